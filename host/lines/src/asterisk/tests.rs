//! Logs in the documented format, written for these tests: a small clinic's morning on 20 November 2026.

use std::path::Path;

use super::*;

fn moscow() -> TimeZone {
    TimeZone::get("Europe/Moscow").unwrap()
}

/// 10:00 in Moscow.
const TEN: i64 = 1_795_158_000;

fn found(log: &str, cdr: &str, files: &[&str]) -> Found {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    files.iter().for_each(|name| {
        put(&format!("monitor/{name}"), "");
    });
    let sources = Sources {
        queue_logs: vec![put("queue_log", log)],
        cdrs: vec![put("Master.csv", cdr)],
        recordings: (!files.is_empty()).then(|| dir.path().join("monitor")),
        cdr_in_utc: false,
    };
    let mut found = read(&sources, &moscow()).unwrap();
    // Folders of a test are nobody's.
    let inside = |path: &Path| path.strip_prefix(dir.path()).unwrap().to_owned();
    for call in &mut found.calls {
        call.recording = call.recording.as_deref().map(inside);
    }
    found.stray_recordings = found.stray_recordings.iter().map(|path| inside(path)).collect();
    for problem in &mut found.problems {
        problem.file = inside(Path::new(&problem.file)).display().to_string();
    }
    found
}

fn kinds(call: &AsteriskCall) -> Vec<&'static str> {
    call.events.iter().map(|event| event.kind).collect()
}

/// A line so many seconds after ten.
fn at(after: i64, rest: &str) -> String {
    format!("{}|{rest}\n", TEN + after)
}

#[test]
fn answered_abandoned_and_overflowed_calls_of_a_queue_log() {
    let log = [
        at(0, "1795158000.1|desk|NONE|ENTERQUEUE||79031234567|1"),
        at(4, "1795158000.1|desk|SIP/102|RINGNOANSWER|4000"),
        at(15, "1795158000.1|desk|SIP/101|CONNECT|15|1795158004.2|3"),
        at(20, "1795158020.3|desk|NONE|ENTERQUEUE||anonymous|2"),
        at(50, "1795158020.3|desk|NONE|ABANDON|1|2|30"),
        at(60, "1795158060.4|desk|NONE|ENTERQUEUE||79035550000|1"),
        at(75, "1795158000.1|desk|SIP/101|COMPLETEAGENT|15|60|1"),
        at(180, "1795158060.4|desk|NONE|EXITWITHTIMEOUT|1|1|120"),
        at(180, "1795158060.4|second|NONE|ENTERQUEUE||79035550000|1"),
        at(190, "1795158060.4|second|SIP/103|CONNECT|10|1795158181.5|2"),
        at(250, "1795158060.4|second|SIP/103|BLINDTRANSFER|200|internal|10|60|1"),
    ]
    .concat();
    let found = found(&log, "", &[]);
    assert_eq!(found.problems, []);
    let [first, second, third] = &found.calls[..] else { panic!("{:#?}", found.calls) };
    assert_eq!(kinds(first), ["joined", "missed", "connected", "talk_ended"]);
    assert_eq!(first.events[2].data, r#"{"wait_ms":15000,"ring_ms":3000}"#);
    assert_eq!(first.events[3].data, r#"{"talk_ms":60000,"hold_ms":0,"by":"agent"}"#);
    assert_eq!((first.caller.as_deref(), first.events[2].agent.as_deref()), (Some("79031234567"), Some("SIP/101")));
    assert_eq!((kinds(second), second.caller.as_deref()), (vec!["joined", "abandoned"], None));
    // Two queues are one wait.
    assert_eq!(kinds(third), ["joined", "overflowed", "joined", "connected", "talk_ended"]);
    assert_eq!(third.events[3].data, r#"{"wait_ms":130000,"ring_ms":2000}"#);
    assert!(third.events[4].data.contains(r#""by":"transfer""#));
}

#[test]
fn every_way_to_transfer_and_to_leave_is_read() {
    let one = |event: &str| {
        let log =
            at(0, "1.1|q|NONE|ENTERQUEUE||79030000000|1") + &at(9, "1.1|q|SIP/1|CONNECT|9|1.2|2") + &at(60, event);
        found(&log, "", &[])
    };
    for event in [
        "1.1|q|SIP/1|BLINDTRANSFER|200|internal|9|51|1",
        "1.1|q|SIP/1|TRANSFER|200|internal|9|51|1",
        "1.1|q|SIP/1|ATTENDEDTRANSFER|BRIDGE|7f1c2d|9|51|1",
        "1.1|q|SIP/1|ATTENDEDTRANSFER|APP|Queue|9|51|1",
        "1.1|q|SIP/1|ATTENDEDTRANSFER|LINK|Local/1@a;1|Local/1@a;2|9|51|1",
        "1.1|q|SIP/1|COMPLETECALLER|9|51|1",
    ] {
        let found = one(event);
        assert_eq!(found.problems, [], "{event}");
        assert!(found.calls[0].events[2].data.contains(r#""talk_ms":51000"#), "{event}: {:?}", found.calls[0].events);
    }
    for (event, data) in [
        ("EXITEMPTY|1|1|40", r#"{"wait_ms":40000,"to":"elsewhere","why":"empty"}"#),
        ("EXITWITHKEY|1|1|1|40", r#"{"wait_ms":40000,"to":"elsewhere","why":"key"}"#),
        ("EXITWITHKEY|1|1", r#"{"wait_ms":40000,"to":"elsewhere","why":"key"}"#),
        ("WITHDRAW|1|1|40|", r#"{"wait_ms":40000,"to":"elsewhere","why":"withdrawn"}"#),
    ] {
        let log = at(0, "1.1|q|NONE|ENTERQUEUE||79030000000|1") + &at(40, &format!("1.1|q|NONE|{event}"));
        let found = found(&log, "", &[]);
        assert_eq!((&found.problems[..], found.calls[0].events[1].data.as_str()), (&[][..], data), "{event}");
    }
}

#[test]
fn damaged_lines_are_one_sentence_each_and_stop_nothing() {
    let log = [
        "1795158000|1795158000.1|desk\n".to_owned(),
        "yesterday|1.1|desk|NONE|ENTERQUEUE||1|1\n".to_owned(),
        at(1, "1795158000.1|desk|SIP/101|CONNECT|soon|1.2|3"),
        at(2, "NONE|desk|NONE|ABANDON|1|1|30"),
        "\n".to_owned(),
        at(3, "1795158003.9|desk|NONE|ENTERQUEUE||79031234567|1"),
        at(8, "1795158003.9|desk|NONE|ABANDON|1|1|5"),
        at(9, "1795158009.1|desk|NONE|ENTERQUEUE||79030000001|1"),
        at(10, "NONE|NONE|NONE|CONFIGRELOAD|"),
        at(11, "1795158003.9|desk|NONE|MYOWNEVENT|whatever"),
    ]
    .concat();
    let found = found(&log, "", &[]);
    let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "queue_log:1: 3 fields, at least 5 are needed (time|callid|queue|agent|event); copy whole lines, as Asterisk wrote them",
            "queue_log:2: `yesterday` is no time; the first field is unix seconds, or a date and a time",
            "queue_log:3: CONNECT without its hold time (`soon` is no number of seconds); copy whole lines, as Asterisk wrote them",
            "queue_log:4: an event of a call without the call's id; it cannot be counted; the line may be left out",
            "queue_log:8: call 1795158009.1 never ends (the log ends at 2026-11-20T07:00:11Z); import the next file of the log with this one",
        ]
    );
    assert_eq!(found.calls.len(), 1);
}

const STANDARD: &str = r#""","79031234567","84950000001","from-trunk","""Anna"" <79031234567>","SIP/trunk-00000001","SIP/101-00000002","Queue","desk,t,,,300","2026-11-20 09:59:50","2026-11-20 09:59:52","2026-11-20 10:01:15",85,83,"ANSWERED","DOCUMENTATION","1795158000.1",""
"","79039990000","84950000001","from-trunk","79039990000","SIP/trunk-00000003","SIP/102-00000004","Dial","SIP/102,30","2026-11-20 10:05:00","2026-11-20 10:05:12","2026-11-20 10:06:12",72,60,"ANSWERED","DOCUMENTATION","1795158300.5",""
"","79038880000","84950000001","from-trunk","79038880000","SIP/trunk-00000005","","Playback","menu","2026-11-20 10:07:00","2026-11-20 10:07:00","2026-11-20 10:07:20",20,20,"ANSWERED","DOCUMENTATION","1795158420.6",""
"","101","89031112233","internal","101","SIP/101-00000006","SIP/trunk-00000007","Dial","SIP/trunk/89031112233","2026-11-20 10:08:00","2026-11-20 10:08:10","2026-11-20 10:09:10",70,60,"ANSWERED","DOCUMENTATION","1795158480.7","out.wav"
"","101","102","internal","101","SIP/101-00000008","SIP/102-00000009","Dial","SIP/102","2026-11-20 10:10:00","","2026-11-20 10:10:09",9,0,"NO ANSWER","DOCUMENTATION","1795158600.8",""
"#;

#[test]
fn records_give_what_the_queue_log_does_not_know() {
    let log = [
        at(0, "1795158000.1|desk|NONE|ENTERQUEUE||79031234567|1"),
        at(15, "1795158000.1|desk|SIP/101|CONNECT|15|1795158004.2|3"),
        at(75, "1795158000.1|desk|SIP/101|COMPLETEAGENT|15|60|1"),
    ]
    .concat();
    let files = ["2026/11/20/q-desk-79031234567-20261120-100015-1795158000.1.wav", "out.wav", "holiday.wav"];
    let found = found(&log, STANDARD, &files);
    assert_eq!((&found.problems[..], found.internal), (&[][..], 1));
    let [queued, dialled, menu, outgoing] = &found.calls[..] else { panic!("{:#?}", found.calls) };
    // It began before the queue, in the menu.
    assert_eq!((queued.started.as_second(), queued.ended.as_second()), (TEN - 10, TEN + 75));
    assert_eq!(
        (queued.line.as_deref(), kinds(queued)),
        (Some("84950000001"), vec!["joined", "connected", "talk_ended"])
    );
    assert_eq!(queued.recording.as_deref(), Some(Path::new("monitor").join(files[0]).as_path()));
    assert_eq!((dialled.agent.as_deref(), dialled.talk_ms), (Some("SIP/102"), Some(60_000)));
    assert_eq!(dialled.answered.map(|at| at.as_second()), Some(TEN + 312));
    // The menu answered, nobody else did.
    assert_eq!((menu.answered, menu.agent.as_deref()), (None, None));
    assert_eq!((outgoing.outgoing, outgoing.caller.as_deref()), (true, Some("89031112233")));
    assert_eq!(outgoing.recording.as_deref(), Some(Path::new("monitor/out.wav")));
    assert_eq!(found.stray_recordings, [Path::new("monitor/holiday.wav")]);
}

#[test]
fn the_custom_order_of_columns_says_the_same() {
    let custom: String = STANDARD
        .lines()
        .map(|line| {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let cells: Vec<String> = reader.records().next().unwrap().unwrap().iter().map(str::to_owned).collect();
            let order = [4, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 16, 17];
            let quoted: Vec<String> =
                order.iter().map(|&at| format!("\"{}\"", cells[at].replace('"', "\"\""))).collect();
            quoted.join(",") + "\n"
        })
        .collect();
    let header = "clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,disposition,amaflags,accountcode,uniqueid,userfield\n";
    let (standard, custom) = (found("", STANDARD, &[]), found("", &(header.to_owned() + &custom), &[]));
    assert_eq!(custom.problems, []);
    assert_eq!(standard.calls, custom.calls);
}

#[test]
fn damaged_records_are_named_and_left_out() {
    let csv = "a,b,c\n\"\",\"7903\",\"8495\",\"x\",\"\",\"SIP/1-1\",\"\",\"Dial\",\"\",\"2026-11-20 10:00:00\",\"\",\"2026-11-20 09:00:00\",1,0,\"NO ANSWER\",\"\",\"1795158000.1\",\"\"\n\"\",\"7903\",\"8495\",\"x\",\"\",\"SIP/1-1\",\"\",\"Dial\",\"\",\"2026-11-20 10:00:00\",\"\",\"2026-11-20 10:00:09\",9,0,\"NO ANSWER\",\"\"\n";
    let found = found("", csv, &[]);
    let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "Master.csv:1: 3 columns, and neither the 9th nor the 10th is a start time; records must be in the order of cdr-csv/Master.csv or cdr-custom/Master.csv",
            "Master.csv:2: the call ends before it begins; look at the exchange's clock; the row may be left out",
            "Master.csv:3: no unique id; set loguniqueid=yes in cdr.conf; without it a record cannot be told from another",
        ]
    );
}

#[test]
fn a_log_that_was_cut_is_finished_by_the_record() {
    let cut = at(0, "1795158000.1|desk|NONE|ENTERQUEUE||79031234567|1")
        + &at(15, "1795158000.1|desk|SIP/101|CONNECT|15|1795158004.2|3");
    let with_record = found(&cut, STANDARD, &[]);
    assert_eq!(with_record.problems, []);
    assert_eq!(with_record.calls[0].events[2].data, r#"{"talk_ms":60000,"hold_ms":0,"by":"caller"}"#);
    // And one that begins in the middle is begun by what it says.
    let middle = at(75, "1795158000.1|desk|SIP/101|COMPLETEAGENT|15|60|1");
    let call = &found(&middle, "", &[]).calls[0];
    assert_eq!((kinds(call), call.started.as_second()), (vec!["connected", "talk_ended"], TEN + 15));
}

#[test]
fn people_who_log_in_have_their_time_told() {
    let log = [
        at(0, "NONE|desk|Anna|ADDMEMBER|"),
        at(60, "9.1|desk|NONE|ENTERQUEUE||79030000000|1"),
        at(65, "9.1|desk|Anna|CONNECT|5|9.2|2"),
        at(70, "9.2|desk|SIP/9|CONNECT|5|9.3|2"),
        at(100, "NONE|desk|Anna|PAUSE|lunch"),
        at(125, "9.1|desk|Anna|COMPLETECALLER|5|60|1"),
        at(130, "NONE|NONE|Anna|PAUSEALL|lunch"),
        at(190, "NONE|NONE|Anna|UNPAUSEALL|"),
        at(250, "NONE|desk|Anna|REMOVEMEMBER|"),
        at(300, "NONE|desk|SIP/9|UNPAUSE|"),
    ]
    .concat();
    let spans: Vec<_> = found(&log, "", &[])
        .spans
        .into_iter()
        .map(|span| (span.agent, span.state, span.from.as_second() - TEN, span.until.as_second() - TEN))
        .collect();
    let anna = |state, from, until| ("Anna".to_owned(), state, from, until);
    assert_eq!(
        spans,
        [
            anna("ready", 0, 65),
            anna("talking", 65, 125),
            anna("ready", 125, 130),
            anna("paused", 130, 190),
            anna("ready", 190, 250)
        ]
    );
}

#[test]
fn rotated_files_may_come_in_any_order_and_overlap() {
    let early = at(0, "1795158000.1|desk|NONE|ENTERQUEUE||79031234567|1");
    let late = at(15, "1795158000.1|desk|SIP/101|CONNECT|15|1795158004.2|3")
        + &at(75, "1795158000.1|desk|SIP/101|COMPLETEAGENT|15|60|1");
    let straight = found(&(early.clone() + &late), "", &[]);
    let twisted = found(&(late.clone() + &early + &late), "", &[]);
    assert_eq!(straight.calls, twisted.calls);
    assert_eq!(straight.calls.len(), 1);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_log_panics(
        log in "(([0-9]{1,12}|x)\\|([0-9.]{0,8}|NONE)\\|q?\\|a?\\|(ENTERQUEUE|CONNECT|COMPLETEAGENT|ABANDON|EXITWITHKEY|ADDMEMBER|ATTENDEDTRANSFER|QUEUESTART|)\\|[0-9A-Z|.]{0,12}\n){0,8}",
        cdr in "([\"a-z0-9:, -]{0,60}\n){0,4}",
    ) {
        found(&log, &cdr, &[]);
    }

    #[test]
    fn no_text_panics(log in "\\PC{0,200}", cdr in "\\PC{0,200}") {
        found(&log, &cdr, &[]);
    }
}
