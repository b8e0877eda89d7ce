"""The one extension that may call the host.

Its id follows from the public key in its manifest (SHA-256, hex digits mapped to a-p); a test holds the two together, so that the
host need not read the manifest at every start.
"""

EXTENSION_ID = "efnbokloofpenpninngbeokiehjcjklf"
ORIGIN = f"chrome-extension://{EXTENSION_ID}/"
