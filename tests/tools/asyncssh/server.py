"""An SSH server that can be told to behave oddly, and that writes down every packet it receives.

Its configuration is one JSON object, the first line it reads; what it says is one JSON object a line.
The tests of the tunnel start it; see gateway-core/tests/tunnel/odd_server.rs for what the keys mean.
"""

import asyncio
import json
import sys

import asyncssh
from asyncssh.connection import SSHServerConnection
from asyncssh.packet import Boolean, NameList, SSHPacketLogger

MSG_USERAUTH_FAILURE = 51
MSG_USERAUTH_BANNER = 53

config = json.loads(sys.stdin.readline())
# What has to be shown one after another: all but the last are only half of it.
factors = config.get("factors") or []


def say(**what):
    print(json.dumps(what), flush=True)


def note_packet(_self, kind, _number, packet, _note=""):
    payload = packet if isinstance(packet, bytes) else packet.get_full_payload()
    say(packet=kind, payload=payload.hex())


SSHPacketLogger.log_received_packet = note_packet


class Server(asyncssh.SSHServer):
    """One connection."""

    def __init__(self):
        self.stage = 0
        self.round = 0
        self.conn = None

    def connection_made(self, conn):
        self.conn = conn
        say(connection=True)

    def connection_lost(self, exc):
        say(closed=str(exc) if exc else "")

    def begin_auth(self, username):
        if config.get("banner"):
            for _ in range(config.get("banners", 1)):
                self.conn.send_auth_banner(config["banner"])
        return True

    def wants(self, factor):
        return not factors or factors[self.stage] == factor

    def public_key_auth_supported(self):
        return self.wants("publickey")

    def password_auth_supported(self):
        return config.get("password") is not None and self.wants("password")

    def validate_password(self, username, password):
        is_right = password == config["password"]
        say(password=is_right)
        return is_right

    def kbdint_auth_supported(self):
        asks = config.get("rounds") is not None or config.get("endless")
        return bool(asks) and self.wants("keyboard-interactive")

    def get_kbdint_challenge(self, username, lang, submethods):
        self.round = 0
        return self.ask()

    def ask(self):
        if config.get("endless"):
            prompts = [] if config["endless"] == "silent" else [("Again: ", False)] * config["endless"]
            return ("Round", str(self.round), "", prompts)
        if self.round == len(config["rounds"]):
            return True
        this = config["rounds"][self.round]
        prompts = [(label, echo) for label, echo in this["prompts"]]
        return (this.get("title", ""), this.get("instruction", ""), "", prompts)

    def validate_kbdint_response(self, username, responses):
        say(answers=list(responses))
        if not config.get("endless") and list(responses) != config["rounds"][self.round]["answers"]:
            return False
        self.round += 1
        return self.ask()

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        say(forward=dest_port)
        return True


succeed = SSHServerConnection.send_userauth_success
is_key_offered = SSHServerConnection.public_key_auth_supported


async def send_userauth_success(conn):
    server = conn._owner
    if server.stage + 1 >= len(factors):
        say(signed_in=True)
        return await succeed(conn)
    server.stage += 1
    conn._auth = None
    conn.send_packet(MSG_USERAUTH_FAILURE, NameList([factors[server.stage].encode()]), Boolean(True))


SSHServerConnection.send_userauth_success = send_userauth_success
SSHServerConnection.public_key_auth_supported = lambda conn: (
    conn._owner.public_key_auth_supported() and is_key_offered(conn)
)

if config.get("host_key_algs"):
    make = SSHServerConnection.__init__

    def make_with_algs(conn, *args, **options):
        make(conn, *args, **options)
        conn._server_host_key_algs = [name.encode() for name in config["host_key_algs"]]

    SSHServerConnection.__init__ = make_with_algs

if config.get("no_strict_kex"):
    plain = SSHServerConnection._get_extra_kex_algs

    SSHServerConnection._get_extra_kex_algs = lambda conn: [
        name for name in plain(conn) if not name.startswith(b"kex-strict")
    ]
    # It does not follow the rules it did not announce either.
    SSHServerConnection._strict_kex = property(lambda conn: False, lambda conn, value: None)

if config.get("lies_in_proof"):
    name = "_process_hostkeys_prove_00_at_openssh_dot_com_global_request"
    prove = getattr(SSHServerConnection, name)

    def lie(conn, packet):
        # A proof for another session, as one would have it who had listened elsewhere.
        session_id, conn._session_id = conn._session_id, b"another session"
        try:
            prove(conn, packet)
        finally:
            conn._session_id = session_id

    setattr(SSHServerConnection, name, lie)


async def main():
    options = {
        name: config[name]
        for name in ("kex_algs", "encryption_algs", "mac_algs", "signature_algs")
        if name in config
    }
    server = await asyncssh.listen(
        "127.0.0.1",
        config.get("port", 0),
        server_factory=Server,
        server_host_keys=config["host_keys"],
        server_host_certs=config.get("host_certificates", ()),
        authorized_client_keys=config.get("authorized_keys"),
        send_server_host_keys=bool(config.get("announces")),
        **options,
    )
    say(listening=server.get_port())
    # Whoever started it holds the other end; without them it ends.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
