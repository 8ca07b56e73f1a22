"""A receiver of webhooks that checks each with the reference library and says what it got, one JSON object a line."""

import http.server
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

port, secret = int(sys.argv[1]), sys.argv[2]


def is_verified(with_secret, body, headers):
    try:
        Webhook(with_secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        stranger = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        said = {
            "id": headers["webhook-id"],
            "verified": is_verified(secret, body, headers),
            "verified_by_stranger": is_verified(stranger, body, headers),
            "verified_when_altered": is_verified(secret, body + b" ", headers),
            "body": json.loads(body),
        }
        print(json.dumps(said), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
