//! Other transports than UDP over IPv4, and who is let in.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sip::{Account, Callee, Config, Listen, Outgoing, Over, Progress, Registration, Strangers, Tls, Transport, Trunk};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::process::{Child, Command};

use crate::rig::{LOCAL, Rig, Sipp, free_port, listened_at, on, open};

#[tokio::test]
async fn over_tcp() {
    let mut rig = Rig::start(on(Transport::Tcp, LOCAL)).await;
    for (scenario, over) in [("call", Over::Bye { reason: None }), ("call_waits_bye", Over::Here)] {
        let sipp = Sipp::calling_with(scenario, rig.at, &["-t", "t1"]);
        let (dialog, mut events) = rig.answer().await;
        events.acknowledged().await;
        if over == Over::Here {
            dialog.bye();
        }
        assert_eq!(events.over().await, over);
        sipp.succeeds().await;
        dialog.over().await;
    }
    rig.assert_empty();
}

#[tokio::test]
async fn over_ipv6() {
    for (transport, mode) in [(Transport::Udp, "u1"), (Transport::Tcp, "t1")] {
        let mut rig = Rig::start(on(transport, IpAddr::V6(Ipv6Addr::LOCALHOST))).await;
        let sipp = Sipp::calling_with("call_waits_bye", rig.at, &["-t", mode]);
        let (dialog, mut events) = rig.answer().await;
        events.acknowledged().await;
        dialog.bye();
        let messages = sipp.succeeds().await;
        assert!(messages.contains(&format!("Contact: <sip:100@{}", rig.at)), "{messages}");
    }
}

#[tokio::test]
async fn we_call_over_tcp() {
    let rig = Rig::start(on(Transport::Tcp, LOCAL)).await;
    let sipp = Sipp::run("answer", SocketAddr::new(LOCAL, 9), free_port(), &["-t", "t1"]);
    listened_at(sipp.at.port()).await;
    let to = Callee::Uri(format!("sip:100@{};transport=tcp", sipp.at));
    let mut dialling = rig.endpoint.call(Outgoing::new(to, Some(crate::rig::SESSION.into())));
    let dialog = loop {
        match dialling.next().await {
            Some(Progress::Answered { dialog, .. }) => break dialog,
            Some(Progress::Ringing { .. }) => {}
            other => panic!("{other:?}"),
        }
    };
    dialog.bye();
    let messages = sipp.succeeds().await;
    assert!(messages.contains(&format!("Contact: <sip:gudok@{};transport=tcp>", rig.at)));
    rig.assert_empty();
}

/// A certificate for localhost, made by OpenSSL; sipp is built without TLS.
async fn certificate(dir: &Path) -> Tls {
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()
        .await
        .expect("openssl does not start; install Debian's package openssl");
    assert!(made.success());
    Tls { certificate: Some(certificate), key: Some(key), authorities: None }
}

fn openssl(words: &[&str]) -> Child {
    Command::new("openssl")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("openssl does not start; install Debian's package openssl")
}

/// Reads up to the end of a message's head.
async fn head(process: &mut Child) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains("\r\n\r\n") {
        let len = process.stdout.as_mut().expect("piped").read(&mut buffer).await.expect("openssl speaks");
        assert_ne!(len, 0, "the connection was closed after {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..len]));
    }
    text
}

#[tokio::test]
async fn over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let tls = certificate(dir.path()).await;
    let rig = Rig::start(Config { tls, ..on(Transport::Tls, LOCAL) }).await;
    let mut client = openssl(&["s_client", "-quiet", "-connect", &rig.at.to_string()]);
    let ask = "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKtls1;rport\r\n\
               Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: tls-1\r\n\
               CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    client.stdin.as_mut().unwrap().write_all(ask.as_bytes()).await.unwrap();
    let answer = head(&mut client).await;
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n") && answer.contains("Allow: INVITE"), "{answer}");
}

/// OpenSSL's server as the provider: with its certificate trusted we register, without we do not even speak.
#[tokio::test]
async fn a_trunk_over_tls_must_show_a_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let tls = certificate(dir.path()).await;
    let (Some(file), Some(key)) = (tls.certificate, tls.key) else { unreachable!("just made") };
    let path = |p: &Path| p.to_string_lossy().into_owned();
    for trusted in [true, false] {
        let port = free_port();
        let accept = format!("127.0.0.1:{port}");
        let mut server =
            openssl(&["s_server", "-quiet", "-accept", &accept, "-cert", &path(&file), "-key", &path(&key)]);
        listened_at(port).await;
        let trunk = Trunk {
            server: Some(format!("localhost:{port}")),
            transport: Transport::Tls,
            account: Some(Account { user: "clinic".into(), password: "x".into(), auth_user: None }),
            register: Some(Duration::from_secs(600)),
            ..Trunk::named("provider")
        };
        let tls = Tls { authorities: trusted.then(|| file.clone()), ..Tls::default() };
        let rig = Rig::start(Config { trunks: vec![trunk], tls, ..open() }).await;
        let mut state = rig.endpoint.trunk("provider").unwrap();
        if !trusted {
            let failed = state.wait_for(|s| matches!(s.registration, Registration::Failed { .. })).await.unwrap();
            let Registration::Failed { status: None, reason, .. } = &failed.registration else { panic!("{failed:?}") };
            assert!(reason.contains("TLS"), "{reason}");
            continue;
        }
        let asked = head(&mut server).await;
        assert!(asked.starts_with("REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/TLS "), "{asked}");
        let kept: Vec<&str> = asked
            .lines()
            .filter(|l| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|n| l.starts_with(n)))
            .collect();
        let answer = format!("SIP/2.0 200 OK\r\n{}\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n", kept.join("\r\n"));
        server.stdin.as_mut().unwrap().write_all(answer.as_bytes()).await.unwrap();
        state.wait_for(|s| matches!(s.registration, Registration::Registered { .. })).await.unwrap();
    }
}

#[tokio::test]
async fn what_we_can_do_is_told() {
    let rig = Rig::start(open()).await;
    Sipp::calling("options", rig.at).succeeds().await;
}

#[tokio::test]
async fn strangers_and_scanners_ring_nobody() {
    let mut rig = Rig::start(Config { strangers: Strangers::Refuse, ..open() }).await;
    Sipp::calling("stranger", rig.at).succeeds().await;
    let scanner = UdpSocket::bind((LOCAL, 0)).await.unwrap();
    let us = scanner.local_addr().unwrap();
    let message = |method: &str, agent: &str| {
        format!(
            "{method} sip:100@{at} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{agent}{method};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:100@1.1.1.1>;tag=s\r\nTo: <sip:100@1.1.1.1>\r\nCall-ID: {agent}{method}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:100@{us}>\r\nUser-Agent: {agent}\r\nContent-Length: 0\r\n\r\n",
            at = rig.at
        )
    };
    for method in ["INVITE", "OPTIONS", "REGISTER"] {
        scanner.send_to(message(method, "friendly-scanner").as_bytes(), rig.at).await.unwrap();
    }
    // An answer to this one proves that the others had theirs, or none.
    scanner.send_to(message("OPTIONS", "phone").as_bytes(), rig.at).await.unwrap();
    let mut buffer = [0; 4096];
    let len = scanner.recv(&mut buffer).await.unwrap();
    assert!(String::from_utf8_lossy(&buffer[..len]).contains("Call-ID: phoneOPTIONS"));
    let counters = rig.endpoint.counters();
    assert_eq!((counters.ignored, counters.rejected.get("forbidden")), (3, Some(&1)));
    assert!(rig.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_trunk_is_known_by_its_address() {
    let account = |user: &str| Some(Account { user: user.into(), password: "x".into(), auth_user: None });
    let trunk = |name: &str, network: &str, user| Trunk {
        addresses: vec![network.parse().unwrap()],
        account: account(user),
        ..Trunk::named(name)
    };
    let trunks =
        vec![trunk("other", "10.0.0.0/8", "1"), trunk("a", "127.0.0.0/8", "7"), trunk("b", "127.0.0.1", "100")];
    let mut rig = Rig::start(Config { trunks, strangers: Strangers::Refuse, ..open() }).await;
    let sipp = Sipp::calling("call", rig.at);
    let call = rig.call().await;
    // Two trunks share the address; the account that is addressed decides.
    assert_eq!(call.trunk.as_deref(), Some("b"));
    let dialog = call.answer(crate::rig::SESSION.into()).await.unwrap();
    dialog.over().await;
    sipp.succeeds().await;
}

#[tokio::test]
async fn the_outside_address_is_told_to_outsiders_only() {
    let listen = Listen { transport: Transport::Udp, address: SocketAddr::new(LOCAL, 0) };
    let config = Config {
        listen: vec![listen],
        external: vec!["203.0.113.9".parse().unwrap()],
        local_networks: vec!["10.0.0.0/8".parse().unwrap()],
        t1: Duration::from_millis(20),
        ..open()
    };
    let mut rig = Rig::start(config).await;
    assert_eq!(rig.endpoint.advertised("8.8.8.8:5060".parse().unwrap()), rig.endpoint.advertised(rig.at));
    let sipp = Sipp::calling("lost_ack", rig.at);
    let (_dialog, mut events) = rig.answer().await;
    let Over::NeverAcknowledged { contact, private } = events.over().await else { panic!("not noticed") };
    assert!(contact.contains("@203.0.113.9:") && !private, "{contact}");
    sipp.succeeds().await;
}
