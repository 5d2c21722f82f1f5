//! An Asterisk by AudioSocket; the client is written from the protocol alone.

use std::net::SocketAddr;

use records::CallFilter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{clinic, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_by_audiosocket_is_answered_and_written_down() {
    let free = SocketAddr::from(([127, 0, 0, 1], phones::process::free_port("127.0.0.1").unwrap()));
    let clinic = clinic(&format!("{{sip}}\n[[audiosocket]]\nlisten = \"{free}\"\n")).await;
    let mut pbx = connect(free).await;
    let mut id = vec![0x01, 0, 16];
    id.extend([7; 16]);
    pbx.write_all(&id).await.unwrap();
    let (mut loud, mut header, mut sound) = (0, [0; 3], vec![0; 65_536]);
    let silence = [vec![0x10, 0x01, 0x40], vec![0; 320]].concat();
    while loud < 10 {
        pbx.write_all(&silence).await.unwrap();
        pbx.read_exact(&mut header).await.unwrap();
        let length = usize::from(u16::from_be_bytes([header[1], header[2]]));
        pbx.read_exact(&mut sound[..length]).await.unwrap();
        let samples = sound[..length].chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]));
        loud += usize::from(header[0] == 0x10 && samples.map(i16::unsigned_abs).max() > Some(1_000));
    }
    pbx.write_all(&[0x00, 0, 0]).await.unwrap();
    let call = until("the call is over", || async {
        let page = clinic.store.calls(&CallFilter::default(), 10, None).await.unwrap();
        page.calls.into_iter().find(|call| call.ended_ms.is_some())
    })
    .await;
    assert_eq!(call.clinic, "vet_lapa");
}

async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.unwrap()
}
