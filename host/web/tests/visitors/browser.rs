//! The pages in a real browser: Chromium, with a file as its microphone.

mod chromium;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use web::VisitLimits;

use crate::support::{Event, Server};
use chromium::{Chromium, Microphone};

/// What the loudspeaker gets, looked at where it leaves the page.
const LISTEN: &str = "{
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (to, ...rest) {
        if (to instanceof AudioDestinationNode) {
            window.loudspeaker = this.context.createAnalyser();
            window.loudspeaker.fftSize = 8192;
            connect.call(this, window.loudspeaker);
        }
        return connect.call(this, to, ...rest);
    };
    window.loudest = () => {
        const bins = new Float32Array(window.loudspeaker.frequencyBinCount);
        window.loudspeaker.getFloatFrequencyData(bins);
        const peak = bins.indexOf(Math.max(...bins));
        return bins[peak] < -60 ? 0 : peak * window.loudspeaker.context.sampleRate / window.loudspeaker.fftSize;
    };
}";

#[tokio::test]
async fn a_visitor_calls_speaks_presses_keys_and_hangs_up() {
    let mut server = Server::start().await;
    let mut page = Chromium::start(Microphone::Says("Здравствуйте, хочу записать кошку на приём")).await;
    page.before_each_page(LISTEN).await;
    page.open(&format!("{}/call/vet", server.origin())).await;
    assert_eq!(page.text("h1").await, "Лапа & Хвост");
    assert_eq!(page.evaluate("document.getElementById('talk').hidden").await, true);

    page.click("#call").await;
    page.until("document.body.dataset.state === 'talking'").await;
    assert!(matches!(server.event().await, Event::Opened(_)));
    page.until("document.querySelector('#captions .robot span')?.textContent === 'Здравствуйте! Клиника слушает.'")
        .await;
    // The parrot's tone of 440 Hz, as it reaches the loudspeaker.
    page.until("Math.abs(window.loudest() - 440) < 15").await;
    assert_eq!(server.event().await, Event::Heard, "the microphone was not heard");
    page.until("document.querySelector('#captions .caller span')?.textContent === 'что-то сказано'").await;

    page.click("#keys button[data-key='5']").await;
    assert_eq!(server.event().await, Event::Key('5'));
    page.press("#").await;
    assert_eq!(server.event().await, Event::Key('#'));
    page.until("[...document.querySelectorAll('#captions .keys span')].map((s) => s.textContent).join() === '5,#'")
        .await;

    page.click("#hangup").await;
    assert_eq!(server.event().await, Event::Gone);
    page.until("document.body.dataset.state === 'over' && document.getElementById('problem').hidden").await;
    assert_eq!(page.text("#call").await, "Позвонить ещё раз");

    // Once more, and this time the robot hangs up.
    page.click("#call").await;
    page.until("document.body.dataset.state === 'talking'").await;
    assert!(matches!(server.event().await, Event::Opened(_)));
    page.press("0").await;
    page.until("document.body.dataset.state === 'over' && document.getElementById('problem').hidden").await;
    page.until("document.querySelector('#captions').textContent.includes('До свидания!')").await;
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[tokio::test]
async fn a_visitor_who_forbids_the_microphone_is_told_what_to_do() {
    let server = Server::start().await;
    let mut page = Chromium::start(Microphone::Forbidden).await;
    page.open(&format!("{}/call/vet?lang=en", server.origin())).await;
    page.click("#call").await;
    page.until("!document.getElementById('problem').hidden").await;
    assert!(page.text("#problem").await.contains("The microphone is not allowed"));
    assert_eq!(page.evaluate("document.getElementById('call').hidden").await, false);
}

#[tokio::test]
async fn all_lines_are_busy() {
    let server = Server::with(VisitLimits { calls: 0, ..VisitLimits::default() }, Vec::new()).await;
    let mut page = Chromium::start(Microphone::Says("да")).await;
    page.open(&format!("{}/call/vet", server.origin())).await;
    page.click("#call").await;
    page.until("!document.getElementById('problem').hidden").await;
    assert!(page.text("#problem").await.contains("все линии заняты"));
}

/// A clinic's site: one page, whatever is asked.
async fn site(listener: TcpListener, html: String) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 4_096];
        let Ok(1..) = stream.read(&mut request).await else { continue };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{html}", html.len());
        stream.write_all(answer.as_bytes()).await.ok();
    }
}

#[tokio::test]
async fn the_chat_on_a_clinics_own_site() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let mut server = Server::with(VisitLimits::default(), vec![origin.clone()]).await;
    // A site with a strict policy: only the widget itself is allowed.
    let policy = format!(
        "default-src 'none'; script-src {0}; connect-src {1}",
        server.origin(),
        server.origin().replace("http", "ws")
    );
    let html = format!(
        "<!doctype html><html lang=\"ru\"><meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"><title>Сайт</title>\
         <body><h1>Клиника</h1><script src=\"{}/widget.js\" data-clinic=\"vet\" async></script>",
        server.origin()
    );
    tokio::spawn(site(listener, html));
    let mut page = Chromium::start(Microphone::Forbidden).await;
    page.before_each_page(
        "Object.defineProperty(window, 'chat', { get: () => [...document.body.children].find((e) => e.shadowRoot)?.shadowRoot });
         window.lines = () => [...chat.querySelectorAll('.log li')].map((li) => li.lastChild.textContent).join(' | ');",
    )
    .await;
    page.open(&origin).await;
    page.until("window.chat").await;
    assert_eq!(page.evaluate("chat.querySelector('.panel').hidden").await, true);
    page.evaluate("chat.querySelector('.bubble').click()").await;
    page.until("lines() === 'Здравствуйте! Чем помочь?'").await;
    assert_eq!(page.evaluate("chat.querySelector('h2').textContent").await, "Лапа & Хвост");
    assert!(matches!(server.event().await, Event::Opened(_)));

    page.until("chat.querySelectorAll('.choices button').length === 2").await;
    page.evaluate("chat.querySelector('.choices button').click()").await;
    page.until("lines().endsWith('Записаться | Вы написали: Записаться')").await;
    page.evaluate(
        "chat.querySelector('textarea').value = 'кот <b>чихает</b>'; chat.querySelector('form').requestSubmit()",
    )
    .await;
    page.until("lines().endsWith('| кот <b>чихает</b> | Вы написали: кот <b>чихает</b>')").await;
    assert_eq!(page.evaluate("chat.querySelector('.log b')").await, serde_json::Value::Null);

    // The visitor goes to another page of the site: the conversation is there, open.
    page.open(&format!("{origin}/other")).await;
    page.until("window.chat && lines().startsWith('Здравствуйте!') && lines().endsWith('кот <b>чихает</b>')").await;
    assert_eq!(page.evaluate("chat.querySelectorAll('.log li').length").await, 5);
    assert_eq!(page.evaluate("chat.querySelector('.bubble').getAttribute('aria-expanded')").await, "true");

    page.evaluate("chat.querySelector('textarea').value = 'пока'; chat.querySelector('form').requestSubmit()").await;
    page.until("lines().endsWith('| пока | Разговор окончен.')").await;
    assert_eq!(server.event().await, Event::Gone);
    page.evaluate("chat.querySelector('.again').click()").await;
    page.until("lines() === 'Здравствуйте! Чем помочь?'").await;
    page.evaluate(
        "chat.querySelector('textarea').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))",
    )
    .await;
    assert_eq!(page.evaluate("chat.querySelector('.panel').hidden").await, true);
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}
