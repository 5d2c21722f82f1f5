//! Versions of flows from outside: added, compared, signed, rolled out and back, on the command line and over HTTP, and
//! through a registry.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const CLOCK: &str = "gudok:clinic/clinic@0.1.0";

#[test]
fn a_version_that_asks_for_more_than_the_one_before_needs_a_word() {
    let program = Program::new();
    let first = program.flow("menu.wasm", "one", false);
    let added = program.run(&["flow", "add", &first]).well();
    assert!(added.contains("menu ") && added.contains(" added: ") && added.contains("contract 0.1.0"), "{added}");
    let again = program.run(&["flow", "add", &first]).well();
    assert!(again.contains("is in the library already"), "{again}");

    let second = program.flow("menu-2.wasm", "two", true);
    let refused = program.run(&["flow", "add", &second, "--name", "menu"]).failed();
    assert!(
        refused.contains("flow `menu` asks for more") && refused.contains(&format!("--allow {CLOCK}")),
        "{refused}"
    );
    assert_eq!(program.versions(), 1, "what is refused is not kept");
    program.run(&["flow", "add", &second, "--name", "menu", "--allow", "gudok:faq/faq@0.1.0"]).failed();
    let allowed = program.run(&["flow", "add", &second, "--name", "menu", "--allow", CLOCK]).well();
    assert!(allowed.contains(&format!("+ {CLOCK}")), "{allowed}");

    let shown = program.run(&["flow", "show", "menu", "--format", "json"]).json();
    assert_eq!(shown["added_capabilities"], json!([CLOCK]));
    assert_eq!(shown["version"]["capabilities"].as_array().unwrap().len(), 2);
    let digest = shown["version"]["digest"].as_str().unwrap().to_owned();
    for name in [format!("menu@{}", &digest[..8]), digest[..8].to_owned(), digest.clone()] {
        assert_eq!(program.run(&["flow", "show", &name, "--format", "json"]).json()["version"]["digest"], digest);
    }
    let table = program.run(&["flow", "show", "menu"]).well();
    assert!(table.contains(&format!("{CLOCK}  (new)")) && table.contains("nowhere"), "{table}");
    let third = program.flow("menu-3.wasm", "three", false);
    let fewer = program.run(&["flow", "add", &third, "--name", "menu"]).well();
    assert!(fewer.contains(&format!("- {CLOCK}")), "{fewer}");

    assert!(program.run(&["flow", "show", "nobody"]).failed().contains("nobody"));
    let garbage = program.file("broken.wasm", b"\0asm nonsense");
    assert!(program.run(&["flow", "add", &garbage]).failed().contains("broken"));
    assert_eq!(program.versions(), 3);
    program.run(&["flow", "remove", &digest]).well();
    assert_eq!(program.versions(), 2);
}

#[test]
fn what_a_shadow_would_have_done_otherwise_is_shown_call_by_call() {
    let program = Program::new();
    for (file, says) in [("one.wasm", "one"), ("two.wasm", "two")] {
        program.run(&["flow", "add", &program.flow(file, says, false)]).well();
    }
    let shadow = |more: &[&str]| program.run(&[&["flow", "shadow", "--clinic", "vet_lapa"], more].concat());
    program.run(&["flow", "deploy", "one", "--clinic", "vet_lapa"]).well();
    assert!(shadow(&[]).well().contains("no call of vet_lapa had a version beside it"));
    assert!(shadow(&["--drop"]).failed().contains("has no shadow"));

    program.run(&["flow", "deploy", "two", "--shadow", "--clinic", "vet_lapa"]).well();
    let script =
        program.file("hello.toml", "title = \"hello\"\nclinic = \"vet_lapa\"\n[[line]]\nsay = \"алло\"\n".as_bytes());
    program.run(&["call", "--clinic", "vet_lapa", "--script", &script]).well();
    let said = shadow(&[]).well();
    assert!(said.contains("1 calls with a version beside them, 1 of them would have gone otherwise"), "{said}");
    assert!(said.contains("wording-only") && said.contains("one") && said.contains("two"), "{said}");
    let told = shadow(&["--format", "json"]).json();
    assert_eq!(told["calls"][0]["digest"], json!(program.digest("two")));
    assert_eq!(told["otherwise"].as_array().unwrap().len(), 1);

    shadow(&["--drop", "--reason", "seen enough"]).well();
    let route = program.run(&["flow", "routes", "--clinic", "vet_lapa", "--format", "json"]).json()[0].clone();
    assert!(route["shadow"].is_null(), "{route}");
}

#[test]
fn a_clinic_that_takes_signed_flows_only() {
    let program = Program::new();
    let key = program.path("release.key");
    let made = program.run(&["flow", "keygen", &key]).well();
    let public = made.split("signed_by = [\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(program.run(&["flow", "keygen", &key]).failed().contains("release.key"), "a key is not overwritten");
    let clinic = program.clinic("strict", &format!("[flows]\nsigned_by = [\"{public}\"]\n"));
    let flow = program.flow("menu.wasm", "one", false);

    let unsigned = program.run(&["flow", "add", &flow, "--clinic", &clinic]).failed();
    assert!(unsigned.contains("is not signed"), "{unsigned}");
    let stranger = program.path("stranger.key");
    program.run(&["flow", "keygen", &stranger]).well();
    let wrong = program.path("wrong.sig");
    program.run(&["flow", "sign", &flow, "--key", &stranger, "--out", &wrong]).well();
    let refused = program.run(&["flow", "add", &flow, "--clinic", &clinic, "--signature", &wrong]).failed();
    assert!(refused.contains("none of the keys"), "{refused}");
    program.run(&["flow", "sign", &flow, "--key", &key]).well();
    program.run(&["flow", "add", &flow, "--clinic", &clinic, "--signature", &format!("{flow}.sig")]).well();
    program.run(&["flow", "deploy", "menu", "--clinic", &clinic]).well();

    // Added where nobody asked; signed afterwards.
    let other = program.flow("other.wasm", "other", false);
    program.run(&["flow", "add", &other]).well();
    let unsigned = program.run(&["flow", "deploy", "other", "--clinic", &clinic]).failed();
    assert!(unsigned.contains("is not signed"), "{unsigned}");
    program.run(&["flow", "sign", "other", "--key", &key]).well();
    program.run(&["flow", "deploy", "other", "--clinic", &clinic]).well();
}

#[test]
fn out_and_back() {
    let program = Program::new();
    let digests = ["one", "two", "three"].map(|name| {
        let file = program.flow(&format!("{name}.wasm"), name, false);
        let added = program.run(&["flow", "add", &file, "--format", "json"]).json();
        added["version"]["digest"].as_str().unwrap().to_owned()
    });
    let [one, two, three] = digests.each_ref().map(|digest| json!(digest));
    let deploy = |more: &[&str]| program.run(&[&["flow", "deploy"], more, &["--clinic", "vet_lapa"]].concat());
    let step = |what: &str| program.run(&["flow", what, "--clinic", "vet_lapa"]);
    let route = || program.run(&["flow", "routes", "--clinic", "vet_lapa", "--format", "json"]).json()[0].clone();

    assert!(deploy(&["one", "--canary", "10%"]).failed().contains("no flow answers vet_lapa/day yet"));
    let said = deploy(&["one"]).well();
    assert!(said.contains(&format!("vet_lapa/day: one@{} answers every call", &digests[0][..12])), "{said}");
    let said = deploy(&["two", "--canary", "10%"]).well();
    assert!(said.contains("answers 10% of the calls"), "{said}");
    let now = route();
    assert_eq!((&now["stable"], &now["candidate"], &now["percent"]), (&one, &two, &json!(10)));
    step("promote").well();
    let now = route();
    assert_eq!((&now["stable"], &now["candidate"], &now["previous"]), (&two, &Value::Null, &one));
    assert!(step("promote").failed().contains("has no candidate"));
    deploy(&[&digests[2][..8], "--shadow"]).well();
    assert_eq!(route()["shadow"], three);
    deploy(&["three"]).well();
    let now = route();
    assert_eq!((&now["stable"], &now["shadow"], &now["previous"]), (&three, &Value::Null, &two));

    let said = step("rollback").well();
    assert!(said.contains("two@") && said.contains("answers every call"), "{said}");
    assert_eq!(route()["stable"], two);
    step("rollback").well();
    assert_eq!(route()["stable"], one, "twice goes two back, not to and fro");
    assert!(step("rollback").failed().contains("no earlier version"));

    let used = program.run(&["flow", "remove", "one"]).failed();
    assert!(used.contains("is used by vet_lapa/day"), "{used}");
    program.run(&["flow", "remove", "three"]).well();

    // Later: it waits, and is shown where it will answer.
    deploy(&["two", "--entry", "night", "--at", "closing"]).well();
    let routes = program.run(&["flow", "routes", "--format", "json"]).json();
    assert_eq!(routes.as_array().unwrap().len(), 2);
    let night = routes.as_array().unwrap().iter().find(|route| route["entry"] == "night").unwrap();
    assert!(night["scheduled"].as_str().unwrap().starts_with("two@") && night["stable"].is_null(), "{night}");
    assert!(program.run(&["flow", "remove", "two"]).failed().contains("vet_lapa/night"));
    for (moment, why) in [("yesterday", "is not a moment"), ("2020-01-01T10:00", "is in the past")] {
        let refused = deploy(&["two", "--at", moment]).failed();
        assert!(refused.contains(why), "{refused}");
    }
    for (args, why) in [
        (&["two", "--canary", "100%"][..], "1% to 99%"),
        (&["two", "--entry", "noon"][..], "night"),
        (&["nobody"][..], "nobody"),
    ] {
        let refused = deploy(args).failed();
        assert!(refused.contains(why), "{refused}");
    }
    let table = program.run(&["flow", "routes"]).well();
    assert!(table.lines().any(|line| line.contains("vet_lapa") && line.contains("one@")), "{table}");
}

#[test]
fn the_gate_wants_recorded_calls() {
    let program = Program::new();
    let file = program.flow("menu.wasm", "one", false);
    let gated = |since: &str| {
        program.run(&["flow", "deploy", &file, "--clinic", "vet_lapa", "--gate", "--since", since]).failed()
    };
    let nothing = gated("4w");
    assert!(nothing.contains("no recorded call of vet_lapa"), "{nothing}");
    let wrong = gated("long");
    assert!(wrong.contains("12h, 1d, 4w"), "{wrong}");
    let routes = program.run(&["flow", "routes", "--format", "json"]).json();
    assert_eq!(routes, json!([]), "what the gate refuses is not deployed");
}

#[test]
fn a_file_is_added_by_deploying_it() {
    let program = Program::new();
    let file = program.flow("menu.wasm", "one", false);
    program.run(&["flow", "deploy", &file, "--clinic", "vet_lapa", "--entry", "chat"]).well();
    let listed = program.run(&["flow", "list", "--format", "json"]).json();
    assert_eq!((&listed[0]["name"], &listed[0]["routed"]), (&json!("menu"), &json!("vet_lapa/chat")));
}

#[test]
fn the_server_follows_the_command_line_the_folder_and_http() {
    let program = Program::new();
    let file = program.flow("one.wasm", "one", false);
    program.run(&["flow", "deploy", &file, "--clinic", "vet_lapa"]).well();
    let server = program.serve("vet_lapa");
    assert!(server.said.contains("vet_lapa/day: one@"), "{}", server.said);
    assert_eq!(server.stable("day"), Some(program.digest("one")));

    // Another process changes the route; the server loads the version.
    let file = program.flow("two.wasm", "two", false);
    program.run(&["flow", "deploy", &file, "--clinic", "vet_lapa"]).well();
    assert_eq!(server.stable("day"), Some(program.digest("two")));
    server.waits_for(|| server.metric("gudok_flow_live_versions") == Some(1.0), "only the new version is in memory");

    // A file is dropped into the folder: written elsewhere, moved in, as one should.
    let folder = program.home.path().join("flows/drop/vet_lapa/night");
    std::fs::create_dir_all(&folder).unwrap();
    let wasm = std::fs::read(program.flow("dropped.wasm", "dropped", false)).unwrap();
    std::fs::write(folder.join(".dropped.part"), &wasm).unwrap();
    std::fs::rename(folder.join(".dropped.part"), folder.join("dropped.wasm")).unwrap();
    server.waits_for(|| server.stable("night").is_some(), "what is dropped is deployed");
    assert_eq!(server.stable("night"), Some(program.digest("dropped")));

    // Over HTTP: uploaded, deployed, rolled back; each is in the feed of changes.
    let wasm = std::fs::read(program.flow("three.wasm", "three", false)).unwrap();
    let upload = "/api/v1/flows?name=three";
    let (status, said) = server.send("POST", upload, "text/plain", &wasm);
    assert_eq!((status, &said["code"]), (415, &json!("wrong-content-type")));
    let (status, uploaded) = server.send("POST", upload, "application/wasm", &wasm);
    assert_eq!(status, 201, "{uploaded}");
    let (_, before) = server.send("GET", "/api/v1/flows/changes?after=0&limit=1000", "", b"");
    let day = "/api/v1/clinics/vet_lapa/routes/day";
    let deploy =
        |body: Value| server.send("POST", &format!("{day}/deploy"), "application/json", body.to_string().as_bytes());
    let (status, change) = deploy(json!({ "version": "three" }));
    assert_eq!((status, &change["changed"]), (200, &json!(true)), "{change}");
    assert_eq!(server.stable("day"), uploaded["version"]["digest"].as_str().map(str::to_owned));
    let (status, change) =
        server.send("POST", &format!("{day}/rollback"), "application/json", br#"{"reason": "test"}"#);
    assert_eq!((status, &change["changed"]), (200, &json!(true)), "{change}");
    assert_eq!(server.stable("day"), Some(program.digest("two")));
    let after = format!("/api/v1/flows/changes?clinic=vet_lapa&after={}", before["next"]);
    let (_, news) = server.send("GET", &after, "", b"");
    let kinds: Vec<&Value> = news["items"].as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert_eq!(kinds, ["deployed", "rolled-back"]);
    let listed = program.run(&["flow", "routes", "--format", "json"]).json();
    assert!(listed.as_array().unwrap().iter().any(|route| route["stable"] == program.digest("two")), "{listed}");
    assert!(server.stop().contains("stopped"));
}

#[test]
fn a_version_travels_through_a_registry() {
    let registry = OciRegistry::start();
    let here = Program::new();
    let key = here.path("release.key");
    here.run(&["flow", "keygen", &key]).well();
    let file = here.flow("menu.wasm", "one", true);
    here.run(&["flow", "add", &file]).well();
    here.run(&["flow", "sign", "menu", "--key", &key]).well();
    let place = format!("{}/flows/menu:1", registry.host);
    let pushed = here.run(&["flow", "push", "menu", &place]).well();
    let pinned = pushed.split_whitespace().find(|word| word.contains("@sha256:")).unwrap().to_owned();

    let there = Program::new();
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    let clinic = there.clinic("strict", &format!("[flows]\nsigned_by = [\"{}\"]\n", public.trim()));
    let pulled = there.run(&["flow", "pull", &pinned, "--clinic", &clinic]).well();
    assert!(pulled.contains("menu ") && pulled.contains(" added: "), "{pulled}");
    assert_eq!(there.digest("menu"), here.digest("menu"));
    there.run(&["flow", "deploy", "menu", "--clinic", &clinic]).well();

    assert!(
        there.run(&["flow", "pull", &format!("{}/nothing", registry.host)]).failed().contains("is not in the registry")
    );
    assert!(there.run(&["flow", "pull", "menu:1"]).failed().contains("is not a place in a registry"));
}

/// The program, with a home of its own.
struct Program {
    home: TempDir,
}

impl Program {
    fn new() -> Program {
        Program { home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gudok"));
        command.args(args).env("GUDOK_HOME", self.home.path()).env("XDG_CACHE_HOME", self.home.path().join("cache"));
        for name in ["GUDOK_DB", "GUDOK_LOG", "GUDOK_REGISTRY_USER", "GUDOK_REGISTRY_PASSWORD"] {
            command.env_remove(name);
        }
        command.env("DOCKER_CONFIG", self.home.path());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn flow(&self, name: &str, says: &str, wants_the_clock: bool) -> String {
        self.file(name, &component(says, wants_the_clock))
    }

    /// A clinic file with more tables at its end.
    fn clinic(&self, id: &str, more: &str) -> String {
        let text = format!(
            "id = \"{id}\"\nname = \"Лапа\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\nservices = [\"терапия\"]\n{more}"
        );
        self.file(&format!("{id}.toml"), text.as_bytes())
    }

    fn versions(&self) -> usize {
        self.run(&["flow", "list", "--format", "json"]).json().as_array().unwrap().len()
    }

    fn digest(&self, name: &str) -> String {
        let shown = self.run(&["flow", "show", name, "--format", "json"]).json();
        shown["version"]["digest"].as_str().unwrap().to_owned()
    }

    fn serve(&self, clinic: &str) -> Server {
        self.run(&["user", "add", "anna", "--name", "Анна", "--role", "manager"]).well();
        let token = self.run(&["user", "token", "anna", "--name", "test", "--scope", "manage_flows"]).well();
        let token = token.trim().to_owned();
        let mut command = self.command(&["serve", "--clinic", clinic, "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        // What it serves, then what is routed, up to the line that says it is ready.
        while !said.contains("/metrics") {
            assert!(out.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        let address = said.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
        let at = address.trim_end_matches('/').parse().unwrap_or_else(|_| panic!("no address in: {said}"));
        Server { child, at, said, out, token }
    }
}

/// What a run printed.
struct Ran {
    ok: bool,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    fn well(self) -> String {
        assert!(self.ok, "{}\n{}", self.out, self.err);
        self.out
    }

    fn json(self) -> Value {
        let out = self.well();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    fn failed(self) -> String {
        assert!(!self.ok, "this should have failed: {}", self.out);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self.err
    }
}

/// A server that ends with the test.
struct Server {
    child: Child,
    at: SocketAddr,
    said: String,
    out: BufReader<ChildStdout>,
    token: String,
}

impl Server {
    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let (status, text) = loop {
            let (status, text) = self.raw(method, path, kind, body);
            if status != 429 {
                break (status, text);
            }
            // Whoever asks as often as a test does is told to wait.
            std::thread::sleep(Duration::from_millis(500));
        };
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    fn raw(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.at).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.at,
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The version that answers calls of an entry.
    fn stable(&self, entry: &str) -> Option<String> {
        let (status, routes) = self.send("GET", "/api/v1/routes?clinic=vet_lapa", "", b"");
        assert_eq!(status, 200, "{routes}");
        let route = routes["items"].as_array().unwrap().iter().find(|route| route["entry"] == entry)?;
        route["stable"].as_str().map(str::to_owned)
    }

    fn metric(&self, name: &str) -> Option<f64> {
        // The token is not for the figures of all clinics; from this machine none is needed.
        let mut stream = TcpStream::connect(self.at).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.at).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// Asks again and again; what takes half a minute will not come.
    fn waits_for(&self, it_is_so: impl Fn() -> bool, what: &str) {
        let began = Instant::now();
        while !it_is_so() {
            assert!(began.elapsed() < Duration::from_secs(30), "this did not happen: {what}");
        }
    }

    /// Ends it as a service manager does, and gives its last words.
    fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut last = String::new();
        self.out.read_to_string(&mut last).unwrap();
        assert!(self.child.wait().unwrap().success());
        last
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Debian's `docker-registry` on a free port, with a folder of its own.
struct OciRegistry {
    process: Child,
    host: String,
    _dir: TempDir,
}

impl OciRegistry {
    fn start() -> OciRegistry {
        let program = Path::new("/usr/bin/docker-registry");
        assert!(program.is_file(), "docker-registry is missing: setup/packages.sh installs it");
        let dir = tempfile::tempdir().unwrap();
        let config: PathBuf = dir.path().join("config.yml");
        let text = format!(
            "version: 0.1\nhttp: {{addr: '127.0.0.1:0'}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n",
            dir.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let mut process = Command::new(program)
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let said = lines.find(|line| line.contains("listening on")).expect("it starts");
        let port = said.split("listening on 127.0.0.1:").nth(1).unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        // It stops when nobody reads its log.
        std::thread::spawn(move || lines.for_each(drop));
        OciRegistry { process, host: format!("127.0.0.1:{port}"), _dir: dir }
    }
}

impl Drop for OciRegistry {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A flow that writes one line into its log and ends; with `clock` it asks the clinic for the time before.
fn component(line: &str, clock: bool) -> Vec<u8> {
    let (import, lower, core, give, call) = if clock {
        (
            format!(r#"(import "{CLOCK}" (instance $clinic (export "now" (func (result string)))))"#),
            r#"(core func $now (canon lower (func $clinic "now") (memory $own "memory") (realloc (func $own "realloc"))))"#,
            r#"(import "host" "now" (func $now (param i32)))"#,
            r#"(export "now" (func $now))"#,
            "(call $now (i32.const 1024))",
        )
    } else {
        (String::new(), "", "", "", "")
    };
    let text = format!(
        r#"(component
            (import "gudok:notes/notes@0.1.0" (instance $notes (export "log" (func (param "line" string)))))
            {import}
            (core module $own
                (memory (export "memory") 1)
                (data (i32.const 64) "{line}")
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192)))
            (core instance $own (instantiate $own))
            (core func $log (canon lower (func $notes "log") (memory $own "memory")))
            {lower}
            (core module $main
                (import "own" "memory" (memory 1))
                (import "host" "log" (func $log (param i32 i32)))
                {core}
                (func (export "run") (result i32)
                    {call}
                    (call $log (i32.const 64) (i32.const {length}))
                    (i32.const 0)))
            (core instance $main (instantiate $main
                (with "own" (instance $own))
                (with "host" (instance (export "log" (func $log)) {give}))))
            (func (export "run") (result (result (error string)))
                (canon lift (core func $main "run") (memory $own "memory"))))"#,
        length = line.len(),
    );
    wat::parse_str(text).expect("valid text")
}
