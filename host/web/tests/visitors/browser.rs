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
    let server = Server::with(VisitLimits::default(), vec![origin.clone()]).await;
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

    // A person is asked for, comes, and gives the conversation back.
    page.evaluate("chat.querySelector('.human').click()").await;
    page.until("lines().includes('Зову администратора') && chat.querySelector('.human').hidden").await;
    let waiting = server.office.store().chat_threads("vet", records::ChatState::Waiting, 9).await.unwrap();
    let now = jiff::Timestamp::now().as_millisecond();
    server.office.answer(&waiting[0].id, "olga", &"Слушаю вас".into(), now).await.unwrap();
    page.until("chat.querySelector('.log .operator').lastChild.textContent === 'Слушаю вас'").await;
    server.office.give_back(&waiting[0].id, "olga", now).await.unwrap();
    page.until("lines().endsWith('отвечает робот клиники.') && !chat.querySelector('.human').hidden").await;

    page.evaluate("chat.querySelector('textarea').value = 'пока'; chat.querySelector('form').requestSubmit()").await;
    page.until("lines().endsWith('| пока | Разговор окончен.')").await;
    page.evaluate("chat.querySelector('.again').click()").await;
    page.until("lines() === 'Здравствуйте! Чем помочь?'").await;
    page.evaluate(
        "chat.querySelector('textarea').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))",
    )
    .await;
    assert_eq!(page.evaluate("chat.querySelector('.panel').hidden").await, true);
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

/// Where somebody who works at the clinic is signed in: the desk's address, and the cookie.
async fn desk(server: &Server) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::serve(listener, server.state.clone(), std::future::pending()));
    let new = accounts::NewUser {
        login: "olga".into(),
        name: "Ольга".into(),
        language: "ru".into(),
        grants: vec![accounts::Grant { clinic: "vet".into(), role: accounts::Role::Administrator }],
    };
    let now = jiff::Timestamp::now().as_millisecond();
    let (user, _) = server.state.accounts.invite(&new, "test", now).await.unwrap();
    let opened = server.state.accounts.open(user, "test", now).await.unwrap();
    (origin, format!("gudok={}; path=/", opened.secret))
}

#[tokio::test]
async fn a_person_at_the_desk_answers_a_visitor_of_the_site() {
    let server = Server::start().await;
    let (origin, cookie) = desk(&server).await;
    let mut page = Chromium::start(Microphone::Forbidden).await;
    // Cookies know no ports; this page loads nothing that is missing.
    page.open(&format!("{}/call/vet", server.origin())).await;
    page.evaluate(&format!("document.cookie = '{cookie}'")).await;
    page.open(&format!("{origin}/desk/vet/chat")).await;
    page.until("document.querySelector('.threads').textContent.includes('Никто не пишет')").await;

    // A visitor asks for a person: the page shows it by itself, and in its title.
    let mut visitor = server.visit("/chat/vet/socket").await.unwrap();
    visitor.say(r#"{"kind":"hello","key":null,"seen":0}"#).await;
    visitor.say(r#"{"kind":"words","text":"позовите оператора"}"#).await;
    page.until("document.title.startsWith('(1) ')").await;
    page.click("a.thread[data-waits]").await;
    page.until("document.querySelector('.messages')?.textContent.includes('позовите оператора')").await;

    // An answer by Enter, without leaving the page.
    page.evaluate("window.stays = true; document.querySelector('#answer').focus()").await;
    page.evaluate(
        "document.querySelector('#answer').value = 'Слушаю вас';
         document.querySelector('#answer').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))",
    )
    .await;
    let heard = async |visitor: &mut crate::support::Client, what: &str| loop {
        if visitor.json().await["text"] == what {
            return;
        }
    };
    heard(&mut visitor, "Слушаю вас").await;
    page.until("document.querySelector('.messages').textContent.includes('Слушаю вас')").await;
    page.until("document.querySelector('[data-part=holder]').textContent.includes('Отвечаете вы')").await;
    visitor.say(r#"{"kind":"words","text":"у кота болит лапа"}"#).await;
    page.until("document.querySelector('.messages').textContent.includes('болит лапа')").await;
    assert_eq!(page.evaluate("[window.stays, document.querySelector('#answer').value].join()").await, "true,");

    // By a key back to the robot, which answers again.
    page.evaluate("document.activeElement.blur()").await;
    page.press("b").await;
    page.until("document.querySelector('[data-part=holder]').textContent.includes('Отвечает робот')").await;
    visitor.say(r#"{"kind":"words","text":"спасибо"}"#).await;
    heard(&mut visitor, "Вы написали: спасибо").await;
    page.until("document.querySelector('.messages').textContent.includes('Вы написали: спасибо')").await;
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}
