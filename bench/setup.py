"""Lays out the corpus and starts the servers."""

import hashlib
import http.cookiejar
import base64
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HOST = "127.0.0.1"
SECRET = "bench"
USER, PASSWORD = "bench", "bench"
# One client asks for more than any one client should.
LIMITS = {
    f"COUNTERSIGN_LIMITS_{name}": "0"
    for name in ("TOKEN_TRANSFERS", "TOKEN_REQUESTS", "ADDRESS_TRANSFERS", "ADDRESS_REQUESTS", "ANONYMOUS_REQUESTS")
}
LIMITS["COUNTERSIGN_LIMITS_ADDRESS_CONNECTIONS"] = "20000"


def free_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def until_listening(port, process, log):
    for _ in range(2000):
        with socket.socket() as client:
            if client.connect_ex((HOST, port)) == 0:
                return
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended: see {log}")
        time.sleep(0.01)
    raise SystemExit(f"{process.args[0]} does not listen: see {log}")


def corpus(home):
    """Files of three sizes; the contents are random, and the same every time a file of a name is made."""
    shapes = {"small": (1000, 4 << 10), "medium": (200, 400 << 10), "large": (1, 1 << 30)}
    for name, (count, size) in shapes.items():
        folder = home / name
        folder.mkdir(parents=True, exist_ok=True)
        for n in range(count):
            path = folder / f"{n:08}_000.png"
            if path.exists() and path.stat().st_size == size:
                continue
            with path.open("wb") as out:
                block = hashlib.shake_256(path.name.encode()).digest(min(size, 1 << 20))
                for _ in range(size // len(block)):
                    out.write(block)
    return {name: [f"{name}/{n:08}_000.png" for n in range(count)] for name, (count, _) in shapes.items()}


class Server:
    """A program that listens."""

    def __init__(self, name, command, port, home, scheme="http", env=None):
        self.name, self.port, self.scheme = name, port, scheme
        log = home / f"{name}.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(env or {})})
        until_listening(port, self.process, log)

    @property
    def url(self):
        return f"{self.scheme}://{HOST}:{self.port}"

    def memory(self):
        """Resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def certificate(home):
    key, cert = home / "key.pem", home / "cert.pem"
    if not cert.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}", "-keyout", key, "-out", cert],
            check=True, capture_output=True)
    return cert, key


def nginx(home, files):
    """nginx with a place for each of its uses; gives the server and the ports by use."""
    cert, key = certificate(home)
    ports = {use: free_port() for use in ("static", "auth_request", "authoriser", "tls", "upstream", "proxy")}
    (home / "nginx").mkdir(exist_ok=True)
    config = home / "nginx.conf"
    config.write_text(f"""
daemon off;
worker_processes auto;
worker_rlimit_nofile 40000;
pid {home}/nginx/pid;
error_log {home}/nginx/error.log;
events {{ worker_connections 16000; }}
http {{
  include /etc/nginx/mime.types;
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 1000000000;
  client_body_temp_path {home}/nginx/body; proxy_temp_path {home}/nginx/proxy; fastcgi_temp_path {home}/nginx/fastcgi;
  uwsgi_temp_path {home}/nginx/uwsgi; scgi_temp_path {home}/nginx/scgi;
  access_log {home}/nginx/access.log;
  server {{
    listen {HOST}:{ports["static"]};
    location / {{
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri {SECRET}";
      if ($secure_link = "") {{ return 403; }}
      if ($secure_link = "0") {{ return 410; }}
      root {files};
    }}
  }}
  server {{
    listen {HOST}:{ports["auth_request"]};
    location / {{ auth_request /authorise; root {files}; }}
    location = /authorise {{
      internal; proxy_pass http://authoriser; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length "";
    }}
  }}
  upstream authoriser {{ server {HOST}:{ports["authoriser"]}; keepalive 64; }}
  server {{
    listen {HOST}:{ports["authoriser"]};
    access_log off;
    location / {{ return 204; }}
  }}
  server {{
    listen {HOST}:{ports["tls"]} ssl;
    ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{ root {files}; }}
  }}
  server {{
    listen {HOST}:{ports["upstream"]};
    access_log off;
    location / {{ root {files}; }}
  }}
  upstream files {{ server {HOST}:{ports["upstream"]}; keepalive 64; }}
  server {{
    listen {HOST}:{ports["proxy"]};
    location / {{ proxy_pass http://files; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
""")
    return Server("nginx", ["nginx", "-c", str(config)], ports["static"], home), ports


def secure_link(path, expires):
    """The query that nginx's secure_link wants."""
    digest = hashlib.md5(f"{expires}/{path} {SECRET}".encode()).digest()
    return f"/{path}?md5={base64.urlsafe_b64encode(digest).decode().rstrip('=')}&expires={expires}"


class Person:
    """Somebody with a browser, as far as signing needs one."""

    def __init__(self, url):
        self.url = url
        jar = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def page(self, path):
        return self.browser.open(self.url + path).read().decode()

    def post(self, path, fields):
        secret = self.hidden(self.page(path), "form_token")
        body = urllib.parse.urlencode({**fields, "form_token": secret}).encode()
        return self.browser.open(self.url + path, body).read().decode()

    @staticmethod
    def hidden(page, name):
        return re.search(f'name="{name}" value="([^"]*)"', page)[1]

    def sign(self, slug):
        page = self.page(f"/datasets/{slug}/request")
        fields = {name: self.hidden(page, name) for name in ("version", "language")}
        self.post(f"/datasets/{slug}/request", {**fields, "accept": fields["version"], "consent": fields["version"], "typed_name": "Bench", "name_asked": "Bench", "do": "sign"})


class Countersign:
    """The gateway on a data folder of its own, with the corpus imported and a person who may download it."""

    def __init__(self, program, home, files):
        self.program, self.home, self.files, self.data = program, home, files, home / "countersign"
        self.port = free_port()
        self.server = None
        self.start(files)

    def command(self, *args, env=None):
        done = subprocess.run(
            [self.program, "--config", str(self.data / "countersign.toml"), *args],
            capture_output=True, text=True, env={**os.environ, **(env or {})})
        if done.returncode != 0:
            raise SystemExit(f"countersign {' '.join(args)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, files):
        fresh = subprocess.Popen(
            [self.program, "demo", "--json", "--data-dir", str(self.data), "--listen", f"{HOST}:{self.port}"],
            stdout=subprocess.PIPE, text=True)
        accounts = json.loads(fresh.stdout.readline())["accounts"]
        applicant = next(account for account in accounts if account["role"] == "applicant")
        (self.home / "terms.md").write_text("Be good.\n")
        (self.home / "agreement.toml").write_text(
            'slug = "bench-terms"\ntitle = "Terms"\nstatement = "I accept."\nconsent = "I consent."\n[texts]\nen = "terms.md"\n')
        (self.home / "dataset.toml").write_text(
            'slug = "bench"\ntitle = "Bench"\nsummary = "."\ndescription = "."\nlicence = "CC0"\npublisher = "Us"\n'
            f'mode = "agreement"\nagreements = ["bench-terms"]\nroot = "{files}"\n')
        self.command("agreement", "publish", str(self.home / "agreement.toml"))
        self.command("dataset", "import", str(self.home / "dataset.toml"))
        self.applicant = applicant["email"]
        person = Person(f"http://{HOST}:{self.port}")
        self.login = {"email": applicant["email"], "password": applicant["password"]}
        person.post("/login", self.login)
        person.sign("bench")
        self.token = self.command("token", "issue", "--person", applicant["email"], "--dataset", "bench").strip()
        fresh.send_signal(signal.SIGINT)
        fresh.wait()
        self.server = self.serve()

    def remote(self, upstream, paths):
        """The medium files again, behind another server."""
        (self.home / "manifest").write_text("\n".join(paths) + "\n")
        (self.home / "remote.toml").write_text(
            'slug = "remote"\ntitle = "Remote"\nsummary = "."\ndescription = "."\nlicence = "CC0"\npublisher = "Us"\n'
            f'mode = "agreement"\nagreements = ["bench-terms"]\nroot = "{upstream}"\nmanifest = "manifest"\n')
        self.command("dataset", "import", str(self.home / "remote.toml"))
        person = Person(f"http://{HOST}:{self.port}")
        person.post("/login", self.login)
        person.sign("remote")
        return self.command("token", "issue", "--person", self.applicant, "--dataset", "remote").strip()

    def encrypted(self, cert, key):
        """A second gateway on the same data that speaks TLS; gives it and a token for it."""
        port = free_port()
        env = {
            "COUNTERSIGN_LISTEN": f"{HOST}:{port}", "COUNTERSIGN_PUBLIC_URL": f"https://localhost:{port}",
            "COUNTERSIGN_TLS_CERTIFICATE": str(cert), "COUNTERSIGN_TLS_KEY": str(key), **LIMITS}
        token = self.command("token", "issue", "--person", self.applicant, "--dataset", "bench", env=env).strip()
        command = [self.program, "--config", str(self.data / "countersign.toml"), "serve"]
        return Server("countersign-tls", command, port, self.home, "https", env), token

    def serve(self, demo=True):
        command = ["demo", "--json", "--data-dir", str(self.data), "--listen", f"{HOST}:{self.port}"]
        if not demo:
            command = ["--config", str(self.data / "countersign.toml"), "serve"]
        return Server("countersign", [self.program, *command], self.port, self.home, env=LIMITS)
