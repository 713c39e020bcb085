"""Reads mails as Python does and verifies their signatures with dkimpy.

Usage: mail_standards.py FOLDER. `records.json` holds the TXT records, `*.eml` the mails. Prints what is wrong, one a line.
"""

import email
import email.policy
import json
import pathlib
import re
import sys
import unicodedata

import dkim

SINGLE = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
]
SIGNED = SINGLE


def control(text):
    return any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text)


def form(name, raw):
    for line in raw.split(b"\r\n"):
        if len(line) > 998 or b"\r" in line or b"\n" in line:
            yield f"{name}: a line is too long or has a bare line end"
    for word in re.findall(rb"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=", raw.split(b"\r\n\r\n")[0]):
        if len(word) > 75:
            yield f"{name}: an encoded word of {len(word)} bytes"
    mail = email.message_from_bytes(raw, policy=email.policy.SMTP)
    for part in mail.walk():
        for defect in part.defects:
            yield f"{name}: {defect!r}"
    for header in SINGLE:
        found = mail.get_all(header, [])
        if len(found) != 1:
            yield f"{name}: {len(found)} times {header}"
            continue
        for defect in found[0].defects:
            yield f"{name}: {header}: {defect!r}"
        if control(str(found[0])):
            yield f"{name}: {header} holds a control character: {str(found[0])!r}"
    for header in mail.keys():
        if header.lower() in ("bcc", "cc", "x-evil"):
            yield f"{name}: a header was injected: {header}"
    kinds = [part.get_content_type() for part in mail.walk()]
    if kinds != ["multipart/alternative", "text/plain", "text/html"]:
        yield f"{name}: {kinds}"
    if not str(mail["List-Unsubscribe"]).startswith("<https://"):
        yield f"{name}: List-Unsubscribe is {mail['List-Unsubscribe']}"


def main():
    folder = pathlib.Path(sys.argv[1])
    records = {f"{name}.".encode(): text.encode() for name, text in json.loads((folder / "records.json").read_text()).items()}

    def txt(name, timeout=5):
        return records.get(name if isinstance(name, bytes) else name.encode())

    def verifies(raw, place):
        try:
            return dkim.DKIM(raw).verify(idx=place, dnsfunc=txt)
        except dkim.DKIMException:
            return False

    ids = set()
    for place, path in enumerate(sorted(folder.glob("*.eml"))):
        raw = path.read_bytes()
        for wrong in form(path.name, raw):
            print(wrong)
        ids.add(email.message_from_bytes(raw)["Message-ID"])
        for signature in range(len(records)):
            if not verifies(raw, signature):
                print(f"{path.name}: signature {signature} does not verify")
        if place >= 5:
            continue
        # A change of any signed header, a second one, or a change of the body breaks every signature.
        changed = [raw.replace(b"\r\nSubject:", b"\r\nSubject: x\r\nSubject:", 1), raw[:-20] + b"x" + raw[-20:]]
        for header in SIGNED:
            at = raw.lower().find(b"\r\n" + header.lower().encode() + b":") + 2
            end = at + len(header) + 1
            changed.append(raw[:end] + b" x" + raw[end:])
        for number, other in enumerate(changed):
            for signature in range(len(records)):
                if verifies(other, signature):
                    print(f"{path.name}: signature {signature} verifies after change {number}")
    print(f"read {len(ids)}")


main()
