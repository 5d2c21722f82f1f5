//! Schemathesis reads the document and asks what nobody thought of: no answer may be a server's error, or other than the
//! document says. `setup/schemathesis.sh` brings it.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use crate::{TestApp, review};

/// Made-up requests for each route.
const EXAMPLES: &str = "15";

/// Values of which there is something, so that handlers are reached and not only their refusals.
const KNOWN: &str = "[parameters]\n\"path.clinic\" = \"vet\"\n\"query.clinic\" = \"vet\"\n\"path.id\" = \"call-1\"\n\"path.entry\" = \"day\"\n\"path.request\" = \"entry-1\"\n\"path.message\" = \"message-1\"\n\"path.chat\" = \"chat-1\"\n";

fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("GUDOK_SCHEMATHESIS") {
        return path.into();
    }
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    cache.join("gudok/toolchains/schemathesis/bin/schemathesis")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_keeps_its_word() {
    let program = program();
    assert!(program.is_file(), "{} is not there: run setup/schemathesis.sh", program.display());
    let mut app = TestApp::with_flows().await;
    app.state.review = review::queue();
    crate::work::people(&app.state.store).await;
    app.state.limit_tokens(1_000_000, 1_000_000);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(web::serve(listener, app.state.clone(), async { stopped.await.unwrap_or_default() }));

    std::fs::write(app.folder().join("schemathesis.toml"), KNOWN).unwrap();
    let token = format!("Authorization: Bearer {}", app.token);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                  response_headers_conformance,ignored_auth";
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(format!("http://{address}/api/v1/openapi.json"))
        .args(["--header", &token, "--checks", checks, "--max-examples", EXAMPLES])
        // A stream does not end by itself; nobody goes on asking once they have taken their own token back.
        .args(["--exclude-path", "/api/v1/events/stream", "--exclude-path", "/api/v1/tokens/{token}"])
        .args(["--exclude-path", "/api/v1/users/{user}/disable", "--exclude-path", "/api/v1/users/{user}/grants"])
        // It has no bytes of a component to send.
        .args(["--exclude-operation-id", "add-flow"])
        .args(["--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color", "--workers", "1"])
        .current_dir(app.folder())
        .stdin(Stdio::null());
    let output = command.output().await.unwrap();
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
