# SPDX-License-Identifier: GPL-3.0-or-later
"""Serial number and key are those that openssl tells, and what is no certificate is refused."""

import base64
import hashlib

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _authz_certificate as core
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError

# openssl req -new -x509 -key KEY -subj /CN=... -set_serial ...; serial numbers are those of openssl x509 -serial, keys
# those of openssl x509 -pubkey | openssl pkey -pubin -outform DER | sha256sum.
# RSA; twenty bytes of serial number, the first bit set.
_RSA = """\
-----BEGIN CERTIFICATE-----
MIIDAjCCAeqgAwIBAgIVAPEjRWeJq83vASNFZ4mrze8BI0VnMA0GCSqGSIb3DQEB
CwUAMBAxDjAMBgNVBAMMBWFsaWNlMB4XDTI2MTIwMTAyNTI1N1oXDTM2MTEyODAy
NTI1N1owEDEOMAwGA1UEAwwFYWxpY2UwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAw
ggEKAoIBAQDEGJQxg84EIPbkOsg+Mz0vZbi8dCPdeUP79KtE0H1KQm/l2nHS/seJ
3j5QzFytEBiZNlzQoKI28K+NiihocYriScBkDpX5vCGu1gUiHiR6rD02pOCicOUK
XDoaIsC5ElF3mmDW9FFHD/4+7CGMZWVrZd/b3KdIhRL8lp+jqzllCGR/if22zIr0
2kZzYFATjb3nwx6VaOkLBvjDF9Xf3i6CCu2WiQkjdKWkYjwloYc6pp9XqxFMtKsO
jlYBlZpKgie2D9CenlBGs4gLKncEHAA0KUahsgZtqijBIvOEYTvac0b4BX57vr+3
qprNZlaw8JOe2PufmkmULDx/vuMt3/UdAgMBAAGjUzBRMB0GA1UdDgQWBBSC28Eq
tGGYp/TXpXcpcmPZyL625zAfBgNVHSMEGDAWgBSC28EqtGGYp/TXpXcpcmPZyL62
5zAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQC+ux0hXr6Ruimk
n0P/4GC5oKlLwxYl4iC4FrevbQKxmxihLbDKE2XgCYYjTdBRukhhSYP0mq86HUtD
yxC/5ZLyXMwD6YfdY+J6I0HKWm1g0Reegoj9TeH0BtzZwy+Yao7y4TuwS3FDdmwf
eOaNf6Wq1w2BwAvoASKK0gAx/ppEaBqpNiWH+WzHHMKuIw5HLEoVfhUfeDa5juty
c4F7TFsJ7dFIT4CFtJCn8lfPJQt+ykRVgw2/guPlTSTbmlo49tqhF+p7GE4XZrt2
XU0nJP5l2iTsDDudRR7kR5yoLO8y5oASxszvkse9mr06SJWTFhjc7+cPwtTHqFKg
8e39ZvzF
-----END CERTIFICATE-----
"""
# EC, P-256; the serial number is 0x80.
_EC = """\
-----BEGIN CERTIFICATE-----
MIIBXzCCAQWgAwIBAgICAIAwCgYIKoZIzj0EAwIwDjEMMAoGA1UEAwwDYm9iMB4X
DTI2MTIwMTAyNTI1N1oXDTM2MTEyODAyNTI1N1owDjEMMAoGA1UEAwwDYm9iMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBHjiZp+4fRK5VJPGQt68/nbST5JBBz7M
E24zdYcJOXnr0ToyBaF7/4WI16R79Rme6G4YDCEA4b4bVBD59CGxz6NTMFEwHQYD
VR0OBBYEFIumHGREJ4gcl+08Mc56A84AqJycMB8GA1UdIwQYMBaAFIumHGREJ4gc
l+08Mc56A84AqJycMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg
f+//w/keOlMyuReicF2+xmjYpVhT/nc52kALNiQA6zkCIQDuFiY1VlH3bIAMgtAH
C2YE5HTzE/8aBJpJUgVNuGgPRg==
-----END CERTIFICATE-----
"""
# Ed25519, of version 1: openssl x509 -req.
_V1 = """\
-----BEGIN CERTIFICATE-----
MIHGMHoCAQUwBQYDK2VwMBAxDjAMBgNVBAMMBWNhcm9sMB4XDTI2MTIwMTAyNTI1
N1oXDTM2MTEyODAyNTI1N1owEDEOMAwGA1UEAwwFY2Fyb2wwKjAFBgMrZXADIQDD
tltsI0eH7pGI34Fo/47Ko6TV5LkbR3Z11jvsVtRwMjAFBgMrZXADQQAeMmNiRtK5
KoTA4yaWHrUtZSFR4dAYImxT1fSof1EbihPOGeYIwMlWhv5m3nlSQTot3UNk8ztn
saNV8u/8ZZ8G
-----END CERTIFICATE-----
"""
# Ed25519; the serial number is 0.
_ZERO = """\
-----BEGIN CERTIFICATE-----
MIIBHzCB0qADAgECAgEAMAUGAytlcDAPMQ0wCwYDVQQDDARkb3JhMB4XDTI2MTIw
MTAyNTI1N1oXDTM2MTEyODAyNTI1N1owDzENMAsGA1UEAwwEZG9yYTAqMAUGAytl
cAMhAMO2W2wjR4fukYjfgWj/jsqjpNXkuRtHdnXWO+xW1HAyo1MwUTAdBgNVHQ4E
FgQUVmL/UYzhNhGrdSIf80BWjqdz4nswHwYDVR0jBBgwFoAUVmL/UYzhNhGrdSIf
80BWjqdz4nswDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQBOiRVAmlj92EfsYj+W
6dVRu4ZfndObw8Zt355PZ+vKL1kxZvF9M5R5Vi3WU5FkPglBd3wiug+6tbe1sXMN
zHEJ
-----END CERTIFICATE-----
"""


@pytest.mark.parametrize(
    "pem, serial, key",
    [
        (
            _RSA,
            "f123456789abcdef0123456789abcdef01234567",
            "831a50ab1f32629cb0bd1678808029c3148a55d0076d4f6d53ed622e6c98ee71",
        ),
        (_EC, "80", "268aeb2c1e999d09e24c86306cc6eff455c0f83f254e48262c68119033e2d30b"),
        (_V1, "5", "19a4c91443fab35510d2ac18fb3cab33340011eb29df9723e25330cc70ab095b"),
        (_ZERO, "0", "19a4c91443fab35510d2ac18fb3cab33340011eb29df9723e25330cc70ab095b"),
    ],
)
def test_what_openssl_tells(pem, serial, key):
    expected = core.Identity(serial, f"sha256:{key}")
    assert core.identity(pem) == expected
    assert core.identity(pem.replace("\n", "\r\n")) == core.identity(pem.rstrip("\n")) == expected


def _pem(data):
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(data).decode()}\n-----END CERTIFICATE-----\n"


def _der(pem):
    return base64.b64decode("".join(pem.splitlines()[1:-1]))


@pytest.mark.parametrize("pem", [_RSA, _EC, _V1])
def test_truncated_ones_are_refused(pem):
    data = _der(pem)
    for end in range(1, len(data)):
        with pytest.raises(ContainmentError, match=r"ends early|is not built as RFC 5280 says"):
            core.identity(_pem(data[:end]))


def test_changed_ones_are_told_or_refused_and_nothing_else():
    data = _der(_V1)
    told = {core.identity(_V1)}
    for place in range(len(data)):
        for value in (0x00, 0x30, 0x7F, 0x80, 0x81, 0x84, 0xFF, data[place] ^ 1):
            changed = data[:place] + bytes([value]) + data[place + 1 :]
            try:
                told.add(core.identity(_pem(changed)))
            except ContainmentError as error:
                assert error.subject == "certificate"
    assert len(told) > 1


@pytest.mark.parametrize(
    "pem, words",
    [
        ("", "certificate: is no certificate in PEM; find out who sends it"),
        ("a", "is no certificate in PEM"),
        (_V1 + _EC, "is no certificate in PEM"),
        ("x" + _V1, "is no certificate in PEM"),
        (_V1 + "x", "is no certificate in PEM"),
        (_V1.replace("CERTIFICATE", "PUBLIC KEY"), "is no certificate in PEM"),
        (_V1.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), "is no certificate in PEM"),
        (_V1.replace("-----END", "----END"), "is no certificate in PEM"),
        (_V1.replace("M", "!", 1), "is no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", "is no"),
        ("-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n", "is no base64"),
        (_pem(b"\x00"), "is not built as RFC 5280 says"),
        (_pem(b"\x30"), "is not built as RFC 5280 says"),
        (_pem(b"\x30\x00"), "is not built as RFC 5280 says"),
        (_pem(b"\x30\x80\x00\x00"), "is not built as RFC 5280 says"),  # A length that is told later.
        (_pem(b"\x31\x02\x30\x00"), "is not built as RFC 5280 says"),
        (_pem(b"\x30\x02\x30\x00"), "is not built as RFC 5280 says"),
        (_pem(b"\x30\x05\x30\x03\x02\x01\x05"), "is not built as RFC 5280 says"),  # Behind the serial number, nothing.
        (_pem(b"\x30\x03\x30\x05"), "ends early"),
        (_pem(b"\x30\x84\xff\xff\xff\xff"), "ends early"),
        (_pem(b"\x30\xff" + b"\xff" * 200), "ends early"),
        (_pem(b"\x30\xff\x01"), "ends early"),
        (_pem(b"\xff" * 1000), "is not built as RFC 5280 says"),
    ],
)
def test_what_is_refused(pem, words):
    with pytest.raises(ContainmentError) as told:
        core.identity(pem)
    assert words in str(told.value)


def test_elements_may_be_empty_also_the_last():
    body = b"\x02\x01\x05" + b"\x30\x00" * 5
    inner = b"\x30" + bytes([len(body)]) + body
    text = base64.b64encode(b"\x30" + bytes([len(inner)]) + inner).decode()
    found = core.identity("-----BEGIN CERTIFICATE-----\n" + text + "\n-----END CERTIFICATE-----\n")
    assert found == ("5", "sha256:" + hashlib.sha256(b"\x30\x00").hexdigest())
