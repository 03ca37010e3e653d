//! Mistakes and surroundings of operators: folders with everything in them, settings, proxies, mail servers that say no.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Child, Command, Output, Stdio};

use super::audit::run;
use super::delivery::with_token;
use super::support::gateway::{APPLICANT, PROGRAM, REVIEWER};
use super::support::people::{NIH, TABLE, decide};
use super::support::upstreams::{Program, put};
use super::support::visitor::Visitor;
use super::support::{Gateway, until};

/// Both what a command said and what it complained of.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn an_import_names_what_it_leaves_out() {
    let gateway = Gateway::start();
    let files: [(&str, &[u8]); 6] = [
        (".zgroup", b"{}"),
        ("a/.zattrs", b"{}"),
        ("a/data.tmp", b"x"),
        ("README", b"1"),
        ("readme", b"2"),
        ("a:b", b"3"),
    ];
    let file = gateway.publish("zarr", "open", &files);
    let text = std::fs::read_to_string(&file).unwrap() + "exclude = [\"*.tmp\"]\n";
    std::fs::write(&file, text).unwrap();
    let import = |more: &[&str]| gateway.cli(&[&["dataset", "import", file.to_str().unwrap()], more].concat());
    let first = said(&import(&[]));
    for wanted in ["5 files", "excluded: 1", "a/data.tmp", "README and readme are one name", "a:b can't be kept"] {
        assert!(first.contains(wanted), "{wanted}: {first}");
    }
    assert_eq!(gateway.visitor().bytes("/data/zarr/.zgroup").await.1, b"{}");
    assert_eq!(gateway.visitor().bytes("/data/zarr/a/.zattrs").await.1, b"{}");
    let root = file.parent().unwrap().join("files");
    symlink("/etc/passwd", root.join("one")).unwrap();
    symlink("/etc/hosts", root.join("two")).unwrap();
    std::fs::write(root.join("new.txt"), "new").unwrap();
    let refused = import(&[]);
    let why = said(&refused);
    assert!(!refused.status.success() && why.contains("one: is neither") && why.contains("two: is neither"), "{why}");
    assert_eq!(gateway.visitor().bytes("/data/zarr/new.txt").await.0, 404);
    let rest = said(&import(&["--skip-unusable"]));
    assert!(rest.contains("6 files") && rest.contains("left out, for they can't be delivered: 2"), "{rest}");
    assert_eq!(gateway.visitor().bytes("/data/zarr/new.txt").await.1, b"new");
}

#[tokio::test]
async fn a_bucket_with_what_consoles_leave_is_imported() {
    let server = Program::s3().await;
    for (key, bytes) in
        [("d/", ""), ("d/sub/", ""), ("d/sub/a.txt", "a"), ("d/empty/", ""), ("d/old_$folder$", ""), ("d/.hidden", "h")]
    {
        put(&server.url(), "odd", key, bytes.as_bytes()).await;
    }
    let settings = [
        ("COUNTERSIGN_S3_ENDPOINT", server.url()),
        ("COUNTERSIGN_S3_ACCESS_KEY", "test".to_owned()),
        ("COUNTERSIGN_S3_SECRET_KEY", "test-secret".to_owned()),
        ("COUNTERSIGN_S3_SESSION_TOKEN", "lent".to_owned()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = Gateway::start_with(&settings);
    let (fine, said) = gateway.publish_at("odd", "s3://odd/d", None);
    assert!(fine && said.contains("2 files"), "{said}");
    assert_eq!(gateway.visitor().bytes("/data/odd/sub/a.txt").await.1, b"a");
    assert_eq!(gateway.visitor().bytes("/data/odd/.hidden").await.1, b"h");
    // A key that no file can have fails the list, says which it is, and a manifest leads around it.
    put(&server.url(), "odd", "d//twice.txt", b"t").await;
    let (fine, said) = gateway.publish_at("odd", "s3://odd/d", None);
    assert!(!fine && said.contains("d//twice.txt") && said.contains("manifest"), "{said}");
    let (fine, said) = gateway.publish_at("odd", "s3://odd/d", Some("sub/a.txt\n"));
    assert!(fine && said.contains("1 file,"), "{said}");
}

#[tokio::test]
async fn the_environment_says_who_asks_a_bucket() {
    let server = Program::s3().await;
    put(&server.url(), "lent", "a.txt", b"a").await;
    let url = server.url();
    let settings = [
        ("COUNTERSIGN_S3_ENDPOINT", url.as_str()),
        ("COUNTERSIGN_S3_CREDENTIALS", "environment"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test-secret"),
        ("AWS_SESSION_TOKEN", "lent-for-a-time"),
        ("AWS_REGION", "us-east-1"),
    ];
    let gateway = Gateway::start_with(&settings);
    let (fine, said) = gateway.publish_at("lent", "s3://lent", None);
    assert!(fine && said.contains("1 file,"), "{said}");
    assert_eq!(gateway.visitor().bytes("/data/lent/a.txt").await.1, b"a");
}

#[tokio::test]
async fn restored_data_is_delivered_and_changed_data_is_not() {
    let gateway = Gateway::start();
    let file = gateway.publish("moved", "open", &[("a.txt", b"1234"), ("b.txt", b"5678")]);
    let root = file.parent().unwrap().join("files");
    let touch = |name: &str| {
        let file = std::fs::File::options().write(true).open(root.join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_000_000_000_500)).unwrap();
    };
    touch("a.txt");
    std::fs::write(root.join("b.txt"), "8765").unwrap();
    touch("b.txt");
    assert_eq!(gateway.visitor().bytes("/data/moved/a.txt").await, (200.try_into().unwrap(), b"1234".to_vec()));
    assert_eq!(gateway.visitor().bytes("/data/moved/b.txt").await.0, 409);
}

#[tokio::test]
async fn commands_and_settings_that_would_surprise_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(home.path()).env_remove("COUNTERSIGN_CONFIG").output().unwrap()
    };
    // A command never makes a database where another was meant.
    let missing = command(&["audit", "verify"]);
    assert!(!missing.status.success() && said(&missing).contains("no database at"), "{}", said(&missing));
    assert!(said(&missing).contains("--data-dir"), "{}", said(&missing));
    assert!(!home.path().join("countersign-data").exists());
    // Plain HTTP to other machines.
    std::fs::write(home.path().join("open.toml"), "listen = \"0.0.0.0:0\"\n").unwrap();
    let plain = said(&command(&["--config", "open.toml", "serve", "--check"]));
    assert!(plain.contains("listen: ") && plain.contains("tls_proxy"), "{plain}");
    // A data folder that others may look into.
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("countersign.toml"), "data_dir = \"data\"\n").unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let create = ["--data-dir", "data", "admin", "create", "--email", "a@example.org", "--name", "A"];
    let mut open = Command::new(PROGRAM);
    let open = open.args(create).current_dir(home.path()).stdin(Stdio::null()).output().unwrap();
    assert!(said(&open).contains("chmod 700"), "{}", said(&open));
}

#[tokio::test]
async fn the_data_folder_of_the_command_line_is_the_one_that_is_used() {
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join("settings.toml");
    std::fs::write(&settings, "data_dir = \"elsewhere\"\n[site]\nname = \"Both\"\n").unwrap();
    let run_in = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let command = command.args(arguments).current_dir(home.path()).stdin(Stdio::null());
        command.env_clear().env("COUNTERSIGN_CONFIG", &settings).output().unwrap()
    };
    let missing = run_in(&["--data-dir", "here", "audit", "verify"]);
    assert!(said(&missing).contains("no database at here/countersign.db"), "{}", said(&missing));
    // A demo beside somebody's own settings, and not in a folder of theirs.
    let pictures = home.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    std::fs::set_permissions(&pictures, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(pictures.join("cat.png"), "a cat").unwrap();
    let refused = run_in(&["demo", "--listen", "127.0.0.1:0", "--data-dir", "pictures"]);
    assert!(!refused.status.success() && said(&refused).contains("pictures: is not empty"), "{}", said(&refused));
    assert_eq!(std::fs::metadata(&pictures).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(std::fs::read_dir(&pictures).unwrap().count(), 1);
}

#[tokio::test]
async fn a_newer_database_is_refused_and_the_folder_names_its_settings() {
    let gateway = Gateway::start();
    let folder = gateway.data_dir();
    let arguments = ["--data-dir", folder.to_str().unwrap(), "audit", "verify"];
    let verify = || {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).envs(gateway.environment()).env_remove("COUNTERSIGN_CONFIG").output().unwrap()
    };
    assert!(verify().status.success(), "{}", said(&verify()));
    run(&mut gateway.database(), "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')");
    let create =
        gateway.cli_with_input(&["admin", "create", "--email", "n@example.org", "--name", "N"], "a long enough one\n");
    assert!(!create.status.success() && said(&create).contains("newer version"), "{}", said(&create));
    run(&mut gateway.database(), "DELETE FROM __diesel_schema_migrations WHERE version = '20990101000000'");
}

/// A mail server that refuses one recipient for good, and is slow to take another's.
struct Choosy(Child, u16, tempfile::TempDir);

impl Choosy {
    fn start() -> Self {
        const SCRIPT: &str = "import asyncio, sys, time\n\
            from aiosmtpd.controller import Controller\n\
            class Handler:\n\
            \x20   async def handle_EHLO(self, server, session, envelope, hostname, responses):\n\
            \x20       session.host_name = hostname\n\
            \x20       open(sys.argv[2] + '/ehlo', 'a').write(hostname + '\\n')\n\
            \x20       return responses\n\
            \x20   async def handle_RCPT(self, server, session, envelope, address, options):\n\
            \x20       if address.startswith('gone'):\n\
            \x20           return '550 no such mailbox'\n\
            \x20       if address.startswith('slow'):\n\
            \x20           await asyncio.sleep(20)\n\
            \x20       envelope.rcpt_tos.append(address)\n\
            \x20       return '250 OK'\n\
            \x20   async def handle_DATA(self, server, session, envelope):\n\
            \x20       name = sys.argv[2] + '/' + str(time.monotonic_ns()) + '.eml'\n\
            \x20       open(name, 'wb').write(envelope.content)\n\
            \x20       return '250 OK'\n\
            c = Controller(Handler(), hostname='127.0.0.1', port=int(sys.argv[1]))\n\
            c.start()\n\
            time.sleep(600)\n";
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", SCRIPT, &port.to_string(), folder.path().to_str().unwrap()]);
        Self(python.spawn().expect("python3-aiosmtpd is installed"), port, folder)
    }

    fn received(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.2.path()).unwrap();
        let mail =
            files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "eml"));
        mail.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for Choosy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn mail_keeps_its_threads_and_nobody_waits_for_another() {
    let server = Choosy::start();
    let smtp = format!("smtp://127.0.0.1:{}", server.1);
    let settings =
        [("COUNTERSIGN_MAIL_SMTP", smtp.as_str()), ("COUNTERSIGN_MAIL_FROM", "Data <data@elsewhere.example>")];
    let gateway = Gateway::start_with(&settings);
    let register = async |name: &str| {
        let email = format!("{name}@example.org");
        let fields = [("name", "Some Body"), ("email", email.as_str()), ("password", "a long enough password")];
        gateway.visitor().post("/register", &fields).await.is(200);
    };
    register("slow").await;
    register("gone").await;
    register("quick").await;
    until("the quick one's mail", || async {
        server.received().iter().any(|mail| mail.contains("quick@example.org")).then_some(())
    })
    .await;
    assert!(!server.received().iter().any(|mail| mail.contains("slow@example.org")), "it came past the slow one");
    until("the refusal to be final", || async {
        let failed = gateway.events().into_iter().find(|line| line["event"]["action"] == "mail.failed")?;
        assert_eq!(failed["event"]["details"]["given_up"], true);
        Some(())
    })
    .await;
    // What concerns one request is one thread, for its applicant and its reviewers.
    let applicant = gateway.person(APPLICANT).await;
    let request = gateway.submit(&applicant).await;
    decide(&gateway.person(REVIEWER).await, &request, "approve", "").await.is(200);
    let thread = format!("<request-{}@localhost>", request.rsplit('/').next().unwrap());
    until("the mail about it", || async {
        let about: Vec<String> = server.received().into_iter().filter(|mail| mail.contains("NIH Chest")).collect();
        (about.len() >= 4).then(|| about.iter().for_each(|mail| assert!(mail.contains(&thread), "{mail}")))
    })
    .await;
    let mail = server.received().pop().unwrap();
    assert!(mail.contains("@localhost>") && !mail.contains("Message-ID: <data@"), "{mail}");
    let greeted = std::fs::read_to_string(server.2.path().join("ehlo")).unwrap();
    assert!(greeted.lines().all(|name| name == "localhost"), "{greeted}");
}

#[tokio::test]
async fn behind_a_proxy_the_log_says_who_asked_and_who_took() {
    let gateway = Gateway::start_with(&[("COUNTERSIGN_TLS_PROXY", "true")]);
    let (_, token) = gateway.token().await;
    // The examples as they are documented, without certificates.
    let nginx = Program::nginx_before(include_str!("../../docs/examples/nginx.conf"), &gateway.url).await;
    asks_through(&nginx, &gateway, &token).await;
    let caddy = Program::caddy_before(include_str!("../../docs/examples/Caddyfile"), &gateway.url).await;
    asks_through(&caddy, &gateway, &token).await;
}

/// Downloads through a proxy, with headers that lie about the client.
async fn asks_through(proxy: &Program, gateway: &Gateway, token: &str) {
    let earlier = gateway.downloads().len();
    let client = reqwest::Client::new();
    let answer = client
        .get(format!("{}/data/{NIH}/{TABLE}", proxy.url()))
        .bearer_auth(token)
        .header("x-forwarded-for", "203.0.113.9")
        .header("forwarded", "for=198.51.100.1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.bytes().await.unwrap().len(),
        with_token(gateway, token, &format!("/data/{NIH}/{TABLE}")).await.1.len()
    );
    let downloads = until("the ends to be recorded", || async {
        let downloads = gateway.downloads();
        (downloads.iter().filter(|download| download.is_complete()).count() >= earlier + 2).then_some(downloads)
    })
    .await;
    let download = &downloads[earlier];
    assert_eq!(download.ip, "127.0.0.1", "the address that the proxy added, and no other: {download:?}");
    assert_eq!(download.end.as_ref().unwrap().taken_by.as_deref(), Some("proxy"));
    Visitor::new(&proxy.url()).get("/").await.is(200).says("NIH Chest");
}

#[test]
fn the_unit_for_systemd_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let unit = include_str!("../../docs/examples/countersign.service").replace("/usr/local/bin/countersign", PROGRAM);
    let file = folder.path().join("countersign.service");
    std::fs::write(&file, unit).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&file).output().expect("systemd is installed");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
}

#[tokio::test]
async fn a_database_is_spoken_to_over_tls() {
    // On SQLite there is nobody to speak to.
    let Ok(ca) = std::env::var("TEST_COUNTERSIGN_POSTGRES_CA") else { return };
    let gateway = Gateway::start();
    let plain = gateway.environment().into_iter().find(|(name, _)| name == "COUNTERSIGN_DATABASE_URL").unwrap().1;
    let with_database = |url: &str, arguments: &[&str]| {
        let mut command = gateway.cli_command(arguments);
        command.env("COUNTERSIGN_DATABASE_URL", url).output().unwrap()
    };
    let encrypted = format!("{plain}?sslmode=verify-full&sslrootcert={ca}");
    for arguments in [["audit", "verify"], ["audit", "export"]] {
        let output = with_database(&encrypted, &arguments);
        assert!(output.status.success(), "{}", said(&output));
    }
    // A server that is not who it should be is not spoken to.
    let stranger = with_database(&format!("{plain}?sslmode=require"), &["audit", "verify"]);
    assert!(!stranger.status.success() && said(&stranger).contains("certificate"), "{}", said(&stranger));
    let missing = with_database(&format!("{plain}?sslmode=require&sslrootcert=/nowhere"), &["audit", "verify"]);
    assert!(said(&missing).contains("sslrootcert: /nowhere"), "{}", said(&missing));
    // A gateway that runs on it: its connections are encrypted.
    let mut replica = gateway.cli_command(&["serve"]);
    replica.env("COUNTERSIGN_DATABASE_URL", &encrypted).env("COUNTERSIGN_LISTEN", "127.0.0.1:0");
    let mut replica = replica.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let sql = format!(
        "SELECT COUNT(*) AS count FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = '{}' AND ssl",
        gateway.database_name()
    );
    until("encrypted connections", || async {
        (super::audit::count(&mut gateway.database(), &sql) >= 3).then_some(())
    })
    .await;
    replica.kill().unwrap();
    replica.wait().unwrap();
}

#[tokio::test]
async fn a_pooler_that_lends_sessions_is_refused() {
    // On SQLite there is nothing to pool.
    let Ok(server) = std::env::var("TEST_COUNTERSIGN_DATABASE") else { return };
    let gateway = Gateway::start();
    let server = url::Url::parse(&server).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for (mode, fits) in [("transaction", false), ("session", true)] {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\n* = host={} port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = any\npool_mode = {mode}\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits\n",
            server.host_str().unwrap(),
            server.port().unwrap()
        );
        let file = folder.path().join(format!("{mode}.ini"));
        std::fs::write(&file, settings).unwrap();
        // As root it wants to be somebody else.
        let mut pooler = Command::new("/usr/sbin/pgbouncer");
        if rustix::process::geteuid().is_root() {
            pooler.args(["--user", "nobody"]);
        }
        let mut pooler = pooler.arg("--quiet").arg(&file).stderr(Stdio::null()).spawn().unwrap();
        until("the pooler", || async { std::net::TcpStream::connect(("127.0.0.1", port)).ok() }).await;
        let url = format!("postgres://postgres@127.0.0.1:{port}/{}", gateway.database_name());
        let check = gateway.cli_command(&["serve", "--check"]).env("COUNTERSIGN_DATABASE_URL", &url).output().unwrap();
        pooler.kill().unwrap();
        pooler.wait().unwrap();
        assert_eq!(check.status.success(), fits, "{mode}: {}", said(&check));
        assert_eq!(said(&check).contains("pool_mode = session"), !fits, "{mode}: {}", said(&check));
    }
}

#[tokio::test]
async fn a_server_with_a_certificate_of_ones_own_is_trusted_when_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("a.txt"), "over TLS").unwrap();
    super::tls::certificate(folder.path(), "localhost");
    let server = Program::nginx_tls(&files, folder.path()).await;
    let root = server.url().replace("http://127.0.0.1", "https://localhost");
    let unknown = Gateway::start();
    let (fine, said) = unknown.publish_at("far", &root, Some("a.txt\n"));
    assert!(!fine && said.contains("UnknownIssuer"), "{said}");
    let bucket = Gateway::start_with(&[("COUNTERSIGN_S3_ENDPOINT", root.trim_end_matches('/'))]);
    let (fine, said) = bucket.publish_at("far", "s3://bucket/far", None);
    assert!(!fine && said.contains("UnknownIssuer"), "{said}");
    let authority = folder.path().join("cert.pem");
    let gateway = Gateway::start_with(&[("COUNTERSIGN_CA_FILE", authority.to_str().unwrap())]);
    let (fine, said) = gateway.publish_at("far", &root, Some("a.txt\n"));
    assert!(fine, "{said}");
    assert_eq!(gateway.visitor().bytes("/data/far/a.txt").await.1, b"over TLS");
}
