//! Calls over a real socket; the client is written from the protocol's description and uses nothing of this crate.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;
use crate::door::{Door as _, FRAME_SAMPLES};

const UUID: &str = "40325ec2-5efd-4bd3-805f-53576e581d13";
const ID: [u8; 16] = [0x40, 0x32, 0x5e, 0xc2, 0x5e, 0xfd, 0x4b, 0xd3, 0x80, 0x5f, 0x53, 0x57, 0x6e, 0x58, 0x1d, 0x13];

async fn listening(settings: Settings, announcements: &Announcements) -> (SocketAddr, mpsc::Receiver<Incoming>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, listen(listener, settings, announcements.clone()))
}

fn dial(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    client.write_all(&[0x01, 0x00, 0x10]).unwrap();
    client.write_all(&ID).unwrap();
    client
}

fn read(client: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut header = [0; 3];
    client.read_exact(&mut header).unwrap();
    let mut payload = vec![0; usize::from(u16::from_be_bytes([header[1], header[2]]))];
    client.read_exact(&mut payload).unwrap();
    (header[0], payload)
}

/// Frames arrive by another thread, so the door is asked until they are there.
async fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = ask() {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_with_sound_keys_and_an_announcement() {
    let announcements = Announcements::default();
    let announced = Announced { caller: Some("+79031234567".into()), line: "main".into(), clinic: None };
    announcements.announce(UUID, announced.clone());
    let (address, mut calls) = listening(Settings::default(), &announcements).await;
    let mut client = tokio::task::spawn_blocking(move || dial(address)).await.unwrap();
    let mut call = calls.recv().await.unwrap();
    assert_eq!((call.id.as_str(), call.announced.as_ref()), (UUID, Some(&announced)));

    // Two frames of sound, a kind nobody knows, and a key.
    for _ in 0..2 {
        client.write_all(&[0x10, 0x01, 0x40]).unwrap();
        client.write_all(&[0x00, 0x20].repeat(FRAME_SAMPLES)).unwrap();
    }
    client.write_all(&[0x42, 0x00, 0x01, 0x00, 0x03, 0x00, 0x01, b'5']).unwrap();
    let mut loud = 0;
    until(|| {
        let received = call.door.receive().unwrap();
        loud += usize::from(received.audio == [0x2000; FRAME_SAMPLES]);
        (received.digits == ['5']).then_some(())
    })
    .await;
    until(|| {
        loud += usize::from(loud < 2 && call.door.receive().unwrap().audio == [0x2000; FRAME_SAMPLES]);
        (loud == 2).then_some(())
    })
    .await;

    call.door.send(&[0x0102; FRAME_SAMPLES]);
    let (client, heard) = tokio::task::spawn_blocking(move || {
        let mut heard = read(&mut client);
        while heard.0 == 0x10 && heard.1.iter().all(|byte| *byte == 0) {
            heard = read(&mut client);
        }
        (client, heard)
    })
    .await
    .unwrap();
    assert_eq!(heard, (0x10, [0x02, 0x01].repeat(FRAME_SAMPLES)));
    drop(client);
    until(|| call.door.receive().is_none().then_some(())).await;
}

#[tokio::test]
async fn a_dropped_door_hangs_up_and_silence_keeps_a_slow_start_alive() {
    let (address, mut calls) = listening(Settings::default(), &Announcements::default()).await;
    let client = tokio::task::spawn_blocking(move || {
        let mut client = dial(address);
        let alive = read(&mut client);
        (client, alive)
    });
    let call = calls.recv().await.unwrap();
    let (mut client, alive) = client.await.unwrap();
    assert_eq!(alive, (0x10, vec![0; 2 * FRAME_SAMPLES]), "Asterisk ends a call in which nothing comes for 2 s");
    drop(call);
    let last = tokio::task::spawn_blocking(move || {
        let mut frame = read(&mut client);
        while frame.0 != 0x00 {
            frame = read(&mut client);
        }
        (frame, client.read(&mut [0; 1]).unwrap())
    });
    assert_eq!(last.await.unwrap(), ((0x00, Vec::new()), 0), "a hang-up, then the end of the stream");
}

#[tokio::test]
async fn wide_band_is_answered_in_kind() {
    for (kind, rate) in [
        (0x11, 12_000),
        (0x12, 16_000),
        (0x13, 24_000),
        (0x14, 32_000),
        (0x15, 44_100),
        (0x16, 48_000),
        (0x17, 96_000),
        (0x18, 192_000_u32),
    ] {
        let (address, mut calls) = listening(Settings::default(), &Announcements::default()).await;
        let samples = rate / 50;
        let mut client = tokio::task::spawn_blocking(move || {
            let mut client = dial(address);
            // A tone of 500 Hz, ten frames.
            for frame in 0..10 {
                client.write_all(&[kind]).unwrap();
                client.write_all(&((samples * 2) as u16).to_be_bytes()).unwrap();
                for n in frame * samples..(frame + 1) * samples {
                    let sample = (f64::from(n) / f64::from(rate) * 500.0 * std::f64::consts::TAU).sin() * 8_000.0;
                    client.write_all(&(sample as i16).to_le_bytes()).unwrap();
                }
            }
            client
        })
        .await
        .unwrap();
        let mut call = calls.recv().await.unwrap();
        let (mut quiet, mut heard) = (0, Vec::new());
        while heard.len() < 8 * FRAME_SAMPLES && quiet < 1_000_000 {
            let audio = call.door.receive().unwrap().audio;
            if audio == [0; FRAME_SAMPLES] {
                quiet += 1;
                tokio::task::yield_now().await;
            } else {
                heard.extend(audio);
            }
        }
        // 500 Hz crosses zero a thousand times a second at any rate.
        let crossings = heard.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        let expected = heard.len() / 8;
        assert!(crossings.abs_diff(expected) <= 6, "{rate} Hz: {crossings} crossings instead of {expected}");

        call.door.send(&[500; FRAME_SAMPLES]);
        let answer = tokio::task::spawn_blocking(move || read(&mut client)).await.unwrap();
        assert_eq!((answer.0, answer.1.len()), (kind, samples as usize * 2), "{rate} Hz");
    }
}

#[tokio::test]
async fn strangers_and_too_many_are_turned_away() {
    let one = Settings { most_calls: 1, announced_only: false };
    let (address, mut calls) = listening(one, &Announcements::default()).await;
    let _first = tokio::task::spawn_blocking(move || dial(address)).await.unwrap();
    let _held = calls.recv().await.unwrap();
    let second = tokio::task::spawn_blocking(move || read(&mut TcpStream::connect(address).unwrap()));
    assert_eq!(second.await.unwrap().0, 0x00, "a hang-up at once");

    let announced = Settings { announced_only: true, ..Settings::default() };
    let (address, mut calls) = listening(announced, &Announcements::default()).await;
    let stranger = tokio::task::spawn_blocking(move || read(&mut dial(address)));
    assert_eq!(stranger.await.unwrap().0, 0x00);
    assert!(calls.try_recv().is_err());
}

#[tokio::test]
async fn an_error_of_asterisk_ends_the_call() {
    let (address, mut calls) = listening(Settings::default(), &Announcements::default()).await;
    let mut client = tokio::task::spawn_blocking(move || dial(address)).await.unwrap();
    let mut call = calls.recv().await.unwrap();
    client.write_all(&[0xff, 0x00, 0x01, 0x02]).unwrap();
    until(|| call.door.receive().is_none().then_some(())).await;
}
