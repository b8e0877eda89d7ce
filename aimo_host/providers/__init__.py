"""What the providers' answers mean. One file per provider, pure: no I/O, and the time is an argument.

Each module offers

    browse(memory, now) -> Conversation      the named sources to ask in the browser, and what their answers say
    parse_...(answer, now) -> Usage | Problem  one per shape of answer

and is total: whatever comes in, a usage or one coded problem comes out, never an exception.
"""
