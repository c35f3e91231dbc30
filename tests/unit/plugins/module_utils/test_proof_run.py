# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns, signals and time-outs of a proof; the rest is in tests/integration/test_userns_proof.py."""

import os
import signal

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _proof_run as proof
from ansible_collections.containment.docker.plugins.module_utils._errors import ContainmentError


@pytest.fixture
def place(monkeypatch, tmp_path):
    for name, path in (("DIRECTORY", ""), ("RECORDS", "/proofs"), ("LOCK", "/proofs/lock")):
        monkeypatch.setattr(proof, name, f"{tmp_path}/containment{path}")
    return tmp_path / "containment"


def test_no_time_left_is_told_and_never_a_time_out_of_zero(place):
    proof.own_directory(proof.DIRECTORY, 0o755)
    proof.own_directory(proof.RECORDS, 0o700)
    assert proof.Run(None, "one", "/g", 9).left() > 4
    with pytest.raises(ContainmentError, match=r"timeout: .* within 0 seconds"):
        proof.Run(None, "two", "/g", 0).left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_raises_once(number, request):
    cleaned = []
    before = signal.signal(number, signal.SIG_DFL)  # Whoever started the tests may have it ignored.
    request.addfinalizer(lambda: signal.signal(number, before))
    with pytest.raises(ContainmentError, match=signal.Signals(number).name):
        with proof._signals_raise():
            try:
                os.kill(os.getpid(), number)
            finally:
                os.kill(os.getpid(), number)
                cleaned.append(True)
    assert cleaned and signal.getsignal(number) == signal.SIG_DFL


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with proof._signals_raise():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_modes_do_not_depend_on_the_umask(place):
    before = os.umask(0o077)
    try:
        with proof._turn(1):
            proof.Run(None, "token", "/g", 1).directory()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in [place, *place.rglob("*")]}
    assert modes == {
        "containment": 0o755,
        "proofs": 0o700,
        "lock": 0o600,
        "token": 0o600,
        "proof-token": 0o755,
    }


def test_one_at_a_time(place):
    with proof._turn(1):
        with pytest.raises(ContainmentError, match=r"another one holds .*lock for 0\.1 seconds"):
            with proof._turn(0.1):
                pass
    with proof._turn(0.1):
        pass


@pytest.mark.parametrize("what", ["containment", "proofs"])
def test_no_link_is_followed(place, tmp_path, what):
    (tmp_path / "elsewhere").mkdir()
    if what == "proofs":
        place.mkdir()
    (place if what == "containment" else place / "proofs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ContainmentError, match="is no directory"):
        with proof._turn(1):
            pass
    assert not list((tmp_path / "elsewhere").iterdir())
