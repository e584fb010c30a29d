"""The key that signs answers, as the settings name it.

Belongs here: choosing and reading its files. May not know: how an answer is signed.
"""

from __future__ import annotations

from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.server.config import Settings
from saddlebag.server.wss.answer import Signer


def signer_of(settings: Settings) -> Signer:
    """The signer with the key for TLS, unless another is set; raises SETTING_INVALID."""
    certificate, key = settings.signing_certificate, settings.signing_key
    if certificate is None and key is None:
        certificate, key = settings.certificate, settings.key
    if certificate is None or key is None:
        sentence = "[security] signing_certificate and signing_key are set together."
        raise SaddlebagError(SETTING_INVALID, sentence, field="signing_certificate")
    try:
        return Signer(certificate.read_bytes(), key.read_bytes())
    except OSError as problem:
        sentence = "The certificate or key that answers are signed with cannot be read."
        raise SaddlebagError(SETTING_INVALID, sentence, field="signing_certificate") from problem
