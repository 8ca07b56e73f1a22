"""A mail server on loopback: keeps each mail, and its attachments as a mail program would save them."""

import email
import email.policy
import pathlib
import sys

from aiosmtpd.controller import Controller


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        (self.folder / f"{self.count}.eml").write_bytes(envelope.original_content)
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        saved = self.folder / str(self.count)
        saved.mkdir()
        (saved / "to.txt").write_text("\n".join(envelope.rcpt_tos))
        (saved / "body.txt").write_text(mail.get_body(("plain",)).get_content())
        for part in mail.iter_attachments():
            (saved / part.get_filename()).write_bytes(part.get_payload(decode=True))
        return "250 kept"


folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
controller = Controller(Keeper(folder), hostname="127.0.0.1", port=port)
controller.start()
print("ready", flush=True)
# Until whoever started it closes its standard input.
sys.stdin.read()
controller.stop()
