//! The peer of a host call: the usual way, an HTTP webhook per step of a conversation.
//!
//! `cargo run --release -p web --example webhook` serves a webhook on the loopback interface (axum, as `web` itself),
//! and calls it over one connection that is kept alive: the step as JSON there, the next step as JSON back. Nothing is
//! between the two but the loopback: no TLS, no network, no gateway, no cold start.

use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const STEPS: usize = 20_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().route("/step", post(step))).await });

    let mut connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let mut times = Vec::with_capacity(STEPS);
    let mut answer = Vec::new();
    for step in 0..STEPS {
        let began = Instant::now();
        let body =
            json!({ "call": "call-1", "step": step, "heard": { "text": "Барсик", "confidence": 0.75 } }).to_string();
        let head = format!(
            "POST /step HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all((head + &body).as_bytes()).await?;
        let next: Value = serde_json::from_slice(response(&mut connection, &mut answer).await?)?;
        if next["ask"]["text"] != "name?" {
            return Err(format!("the webhook answered {next}").into());
        }
        times.push(began.elapsed());
    }
    server.abort();
    print("webhook round trip (loopback, keep-alive)", &mut times[STEPS / 10..]);
    Ok(())
}

/// One step of the conversation: what the caller said in, what to ask next out.
async fn step(Json(heard): Json<Value>) -> Json<Value> {
    Json(json!({ "say": heard["heard"]["text"], "ask": { "id": "name", "text": "name?" } }))
}

/// The body of the next response.
async fn response<'a>(
    connection: &mut TcpStream,
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], Box<dyn std::error::Error>> {
    buffer.clear();
    loop {
        if connection.read_buf(buffer).await? == 0 {
            return Err("the webhook closed the connection".into());
        }
        let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let fields = std::str::from_utf8(&buffer[..head])?;
        let length =
            fields.lines().find_map(|line| line.strip_prefix("content-length: ")).ok_or("no content-length")?;
        let (from, to) = (head + 4, head + 4 + length.parse::<usize>()?);
        if buffer.len() >= to {
            return Ok(&buffer[from..to]);
        }
    }
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{what}: p50 {:.2} µs, p99 {:.2} µs ({} times)", at(0.50), at(0.99), times.len());
}
