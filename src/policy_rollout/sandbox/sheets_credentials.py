"""The key file of the sandbox's service account. Writes a file."""

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ACCOUNT_EMAIL = "rollout@sandbox.iam.gserviceaccount.com"
_FILE = "sheets-credentials.json"


def write_credentials(folder: Path, sheets_url: str) -> Path:
    """The path of a key file in Google's form whose token endpoint is the sandbox's.

    A key that is already there is kept; only its token endpoint is brought up to date.
    """
    path = folder / _FILE
    key = json.loads(path.read_text())["private_key"] if path.exists() else _new_key()
    content = {
        "type": "service_account",
        "project_id": "sandbox",
        "private_key_id": "sandbox",
        "private_key": key,
        "client_email": ACCOUNT_EMAIL,
        "client_id": "1",
        "token_uri": f"{sheets_url}/token",
    }
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    return path


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
