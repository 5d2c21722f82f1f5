//! The usual way to script a call: an HTTP webhook for each step. axum on loopback, one connection that is kept alive, JSON
//! both ways; no TLS, no network, no gateway between them.

use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::figures::Result;

/// Steps of a conversation over one connection, and first steps over a new one each time.
pub async fn measure(steps: usize, starts: usize) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().route("/step", post(step))).await });
    let mut buffer = Vec::new();
    let (mut each, mut first) = (Vec::with_capacity(steps), Vec::with_capacity(starts));
    let mut connection = connect(address).await?;
    for number in 0..steps {
        let began = Instant::now();
        ask(&mut connection, number, &mut buffer).await?;
        each.push(began.elapsed());
    }
    for _ in 0..starts {
        let began = Instant::now();
        ask(&mut connect(address).await?, 0, &mut buffer).await?;
        first.push(began.elapsed());
    }
    server.abort();
    Ok((each, first))
}

async fn connect(address: std::net::SocketAddr) -> Result<TcpStream> {
    let connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// The service: what the caller said in, what to do next out.
async fn step(Json(heard): Json<Value>) -> Json<Value> {
    Json(json!({ "say": heard["heard"]["text"], "ask": { "id": "name", "text": "name?" } }))
}

async fn ask(connection: &mut TcpStream, step: usize, buffer: &mut Vec<u8>) -> Result<()> {
    let body = json!({ "call": "call-1", "step": step, "heard": { "text": "Барсик", "confidence": 0.75 } }).to_string();
    let head = format!(
        "POST /step HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all((head + &body).as_bytes()).await?;
    let next: Value = serde_json::from_slice(response(connection, buffer).await?)?;
    if next["ask"]["text"] != "name?" {
        return Err(format!("the webhook answered {next}").into());
    }
    Ok(())
}

/// The body of the next response.
async fn response<'a>(connection: &mut TcpStream, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
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
