//! The pages and what they load.

use crate::support::Server;

#[tokio::test]
async fn the_call_page_loads_nothing_from_elsewhere() {
    let server = Server::with(Default::default(), vec!["https://vet.example".into(), "x; script-src *".into()]).await;
    let (status, headers, page) = server.ask("GET /call/vet").await;
    assert_eq!(status, 200);
    let policy = &headers["content-security-policy"];
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'self' https://vet.example"), "{policy}");
    assert!(headers["permissions-policy"].contains("microphone=(self)"));
    assert!(page.contains("<html lang=\"ru\">") && page.contains("Лапа &amp; Хвост") && page.contains("Позвонить"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("style="), "{page}");
    let (_, _, english) = server.ask("GET /call/vet?lang=en").await;
    assert!(english.contains("<html lang=\"en\">") && english.contains("Hang up"));

    // Everything the pages name is there.
    let (_, _, chat) = server.ask("GET /chat/vet").await;
    let named = [page, chat].concat();
    let addresses = named.split('"').filter(|part| part.starts_with('/')).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(addresses.into_iter().collect::<Vec<_>>(), ["/assets/call.js", "/assets/page.css", "/widget.js"]);
    for asset in ["/assets/call.js", "/assets/page.css", "/assets/sound.js", "/widget.js"] {
        let (status, headers, text) = server.ask(&format!("GET {asset}")).await;
        assert_eq!((status, headers["x-content-type-options"].as_str()), (200, "nosniff"), "{asset}");
        assert!(text.len() > 1_000 && headers["cache-control"].contains("max-age"), "{asset}");
    }
}

#[tokio::test]
async fn nothing_of_the_api_is_here() {
    let server = Server::start().await;
    for path in ["/api/v1/calls", "/api/v1/clinics", "/metrics", "/report", "/", "/call/silent", "/call/other"] {
        let (status, headers, body) = server.ask(&format!("GET {path}")).await;
        assert_eq!((status, headers["content-type"].as_str()), (404, "application/problem+json"), "{path}");
        assert!(body.contains("no-visitors-here") && !body.contains("vet"), "{path}: {body}");
    }
    assert_eq!(server.ask("GET /healthz").await.0, 200);
    assert_eq!(server.ask("GET /call/vet\nhost: evil.example").await.0, 421);
    assert_eq!(server.ask("GET /call/vet\nhost: calls.example").await.0, 200, "the name a provider knows");
}
