# SPDX-License-Identifier: MIT
"""sluice-bench as a person or a program calls it."""
import json
import os
import subprocess
import xml.etree.ElementTree

PROGRAM = os.environ["SLUICE_BENCH"]
SHORT = ["--seconds", "0.01", "--size", "64,8K", "--batch", "2"]


def run(*arguments, **environment):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300, env=os.environ | environment)


def test_every_suite_is_measured_in_both_directions():
    result = run("cipher", "--json", "--only", "cipher", *SHORT)
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["cipher"]
    names = {line.split()[1] for line in run("cipher", "--list").stdout.splitlines() if line.startswith("cipher")}
    assert {row["suite"] for row in rows} == names
    for name in names:
        mine = [row for row in rows if row["suite"] == name]
        assert {(row["size"], row["batch"], row["direction"]) for row in mine} == {
            (size, 2, direction) for size in (64, 8192) for direction in ("seal", "open")}
        assert len({row["kernel"] for row in mine if row["picked"]}) == 1
        portable = [row for row in mine if row["tier"] == "portable"]
        assert len(portable) == 4
        assert all(row["ratio_evp"] == 1 for row in portable)
    for row in rows:
        assert row["ns_packet"] > 0
        assert abs(row["gbps"] - row["size"] / row["ns_packet"]) < 1e-4 * row["gbps"]
        assert row["samples"] + row["rejected"] >= 3


def test_key_exchange_and_signatures_are_measured():
    result = run("cipher", "--json", "--only", "*25519*,mlkem768,ecdsa-sha2-nistp256", *SHORT)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["program"] == "sluice-bench cipher" and report["schema"] == 1
    assert report["machine"]["cores"] >= 1 and report["build"]["openssl"]
    assert report["cipher"] == []
    methods = {row["method"] for row in report["kex"]}
    assert {"mlkem768x25519-sha256", "curve25519-sha256", "mlkem768"} <= methods
    for row in report["kex"] + report["sign"]:
        assert abs(row["per_second"] - 1e9 / row["ns"]) < 1e-4 * row["per_second"]
    assert {row["algorithm"] for row in report["sign"]} == {"ssh-ed25519", "ecdsa-sha2-nistp256"}
    assert all(row["ratio_openssl"] > 0 for row in report["sign"])


def test_the_tier_can_be_capped():
    result = run("cipher", "--json", "--only", "cipher,mlkem768", *SHORT, SLUICE_TIER="portable")
    report = json.loads(result.stdout)
    assert {row["tier"] for row in report["cipher"] + report["kex"]} == {"portable"}
    result = run("cipher", SLUICE_TIER="mmx")
    assert result.returncode == 255 and "portable, avx2 or avx512" in result.stderr


def test_kernels_can_be_chosen_and_are_still_compared_with_openssl():
    everything = json.loads(run("cipher", "--json", "--only", "aes128-gcm,chacha,mlkem768", *SHORT).stdout)
    for kernel in {row["kernel"] for row in everything["cipher"]}:
        rows = json.loads(run("cipher", "--json", "--only", "cipher", "--kernel", kernel, *SHORT).stdout)["cipher"]
        assert rows and all(kernel in row["kernel"] and row["ratio_evp"] > 0 for row in rows)


def test_the_table_fits_the_terminal():
    for columns in (40, 80, 132):
        result = run("cipher", "--only", "aes128-gcm", "--seconds", "0.01", COLUMNS=str(columns))
        assert result.returncode == 0
        table = result.stdout.split("Medians of")[0]
        assert max(map(len, table.splitlines())) <= columns
        assert "\033" not in result.stdout and result.stderr == ""


def test_the_chart_is_svg(tmp_path):
    chart = tmp_path / "chart.svg"
    result = run("cipher", "--only", "aes128-gcm,curve25519-sha256,ssh-ed25519", "--plot", str(chart), *SHORT)
    assert result.returncode == 0, result.stderr
    texts = [element.text for element in xml.etree.ElementTree.parse(chart).iter("{http://www.w3.org/2000/svg}text")]
    assert {"aes128-gcm@openssh.com", "curve25519-sha256", "ssh-ed25519"} <= set(texts)


def test_what_cannot_be_written_fails(tmp_path):
    result = run("cipher", "--only", "ssh-ed25519", "--plot", str(tmp_path / "none" / "chart.svg"), *SHORT)
    assert result.returncode == 1 and "No such file" in result.stderr
    with open("/dev/full", "w") as full:
        result = subprocess.run([PROGRAM, "cipher", "--only", "ssh-ed25519", *SHORT], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "No space left" in result.stderr


def test_a_wrong_command_line_is_told():
    for arguments, word in (
        ([], "COMMAND"), (["nothing"], "nothing"), (["cipher", "--nothing"], "--help"), (["cipher", "rest"], "rest"),
        (["cipher", "--seconds", "none"], "--seconds"), (["cipher", "--size", "0"], "--size"), (["cipher", "--batch", "17"], "16"),
        (["cipher", "--plot", "chart.png"], ".svg"), (["cipher", "--only", "rot13"], "--list"),
    ):
        result = run(*arguments)
        assert result.returncode == 255, arguments
        assert word in result.stderr and result.stdout == "", arguments


def test_the_help_is_the_manual():
    text = run("cipher", "--help")
    assert text.returncode == 0 and text.stderr == ""
    for word in ("--quick", "--only", "--json", "ratio_evp", "Exit status"):
        assert word in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 80
    assert "cipher" in run("--help").stdout
