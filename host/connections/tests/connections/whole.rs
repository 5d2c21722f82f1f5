//! Everything at once, as the server runs it: one file of settings, a receiver of webhooks, a portal behind a socket, the
//! export of calls; until it is stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use connections::metrica::{Identifier, Origin, export};
use connections::stand_in::{Server, TIME_FIELD};
use connections::{Connections, Settings, run};
use records::{CallFilter, Status};
use serde_json::json;
use tokio::sync::watch;

use crate::deals::TOKEN;
use crate::leads::call;
use crate::receiver::{Receiver, SECRET};
use crate::{CLINIC, DAY, bitrix, open_house, store, visit};

/// Looks until it is so; a machine that is busy may take its time.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("no {what} within a minute"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_deals_and_the_export_of_calls_side_by_side() {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let (_folder, store) = store().await;
    let receiver = Receiver::start().await;
    let portal = Server::at(now_ms);
    let url = bitrix::serve(portal.clone()).await;
    let file = format!(
        "[[webhooks]]\nname = \"site\"\nurl = \"{}\"\nallow_private = true\nsecret = \"{SECRET}\"\n\
         [[bitrix24]]\nname = \"lapa\"\nclinic = \"{CLINIC}\"\nurl = \"{url}\"\ncategory = 2\n\
         time_field = \"{TIME_FIELD}\"\napplication_token = \"{TOKEN}\"\n[bitrix24.stages]\nbooked = \"C2:NEW\"\n\
         done = \"C2:WON\"\ncancelled = \"C2:LOSE\"\n\
         [metrica]\ncounter = 12345\n",
        receiver.address()
    );
    let settings = Settings::read(&file, "connections.toml", &|_| None).unwrap();
    let connections = Connections::new(store.clone(), &settings, now_ms).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let houses = BTreeMap::from([(CLINIC.to_owned(), open_house(&store))]);
    let running = tokio::spawn(run(connections.clone(), houses, stopped));
    // The portal's connector begins with what happens once it is there.
    until("connector", async || store.connector_position("lapa").await.unwrap()).await;

    call(&store, "c1", "+79035550000", None, now_ms).await;
    store.book(&visit("a", "petrov", now_ms + DAY, "+79031234567"), "robot").await.unwrap();
    let deal = until("deal", async || portal.deals_of("a").first().map(|(id, _)| *id)).await;
    until("lead", async || portal.state().leads.values().next().map(|lead| lead["ORIGIN_ID"] == "c1")).await;
    until("link", async || store.link_of_theirs("lapa", records::LinkKind::Deal, &deal.to_string()).await.unwrap())
        .await;

    // Somebody calls it off in the portal, and the portal says so.
    portal.person_sets(deal, "STAGE_ID", json!("C2:LOSE"));
    let told = format!("event=ONCRMDEALUPDATE&data[FIELDS][ID]={deal}&auth[application_token]={TOKEN}");
    connections.portal_message("lapa", &told, now_ms).await.unwrap();
    until("cancelled visit", async || (store.visit("a").await.unwrap().status == Status::Cancelled).then_some(()))
        .await;

    // The receiver was told of all three, each once, signed, and of one visit in order.
    until("third event", async || (receiver.got().len() >= 3).then_some(())).await;
    let got = receiver.got();
    assert!(got.iter().all(|got| got.is_signed_with(SECRET)));
    let kinds = |subject: &str| -> Vec<String> {
        let of = got.iter().map(|got| got.event()).filter(|event| event["subject"] == subject);
        of.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("a"), ["ru.gudok.visit.booked", "ru.gudok.visit.cancelled"]);
    assert_eq!(kinds("c1"), ["ru.gudok.call.ended"]);

    let calls = store.calls(&CallFilter::default(), 10, None).await.unwrap().calls;
    let origin = Origin { id: "133591247640966458".into(), is_static: true, url: None };
    let origins = BTreeMap::from([("c1".to_owned(), origin)]);
    let metrica = export(&calls, Identifier::Client, &origins, settings.metrica.as_ref().unwrap()).unwrap();
    assert_eq!((metrica.calls, metrica.without_id), (1, 0));
    assert!(metrica.csv.contains("133591247640966458") && !metrica.csv.contains("9035550000"), "{}", metrica.csv);

    stop.send(true).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), running).await.expect("it stops when it is told to");
    ended.unwrap().unwrap();
}
