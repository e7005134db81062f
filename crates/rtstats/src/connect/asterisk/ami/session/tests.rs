//! A session against a server that plays a script, in memory and with a clock that tests move.

use tokio::io::DuplexStream;

use super::*;
use crate::connect::asterisk::ami::{Secret, Tls};

const BANNER: &str = "Asterisk Call Manager/5.0.4\r\n";

fn target() -> Target {
    Target {
        address: "pbx.example:5038".to_owned(),
        tls: None,
        username: "rtstats".to_owned(),
        secret: Secret::new("mellon"),
        allow_plain_login: false,
    }
}

/// The other end of a session: reads actions, says what it is told to.
struct Server {
    link: DuplexStream,
    decoder: Decoder,
}

impl Server {
    async fn action(&mut self) -> Message {
        loop {
            if let Some(message) = self.decoder.message().unwrap() {
                return message;
            }
            let read = self.link.read_buf(self.decoder.buffer()).await.unwrap();
            assert!(read > 0, "the session closed");
        }
    }

    async fn say(&mut self, text: &str) {
        self.link.write_all(text.replace('\n', "\r\n").as_bytes()).await.unwrap();
    }

    /// Answers an action, which must have this name.
    async fn answer(&mut self, name: &str, rest: &str) -> Message {
        let action = self.action().await;
        assert_eq!(action.get("Action"), Some(name));
        let id = action.get("ActionID").unwrap();
        let (first, rest) = rest.split_once('\n').unwrap();
        self.say(&format!("{first}\nActionID: {id}\n{rest}\n")).await;
        action
    }

    async fn let_in(&mut self) {
        self.say("Asterisk Call Manager/5.0.4\n").await;
        self.answer("Challenge", "Response: Success\nChallenge: 156078447\n").await;
        self.answer("Login", "Response: Success\nMessage: Authentication accepted\n").await;
    }
}

fn pair() -> (Box<dyn Link>, Server) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    (Box::new(ours), Server { link: theirs, decoder: Decoder::new() })
}

async fn logged_in() -> (Session, Server) {
    let (link, mut server) = pair();
    let target = target();
    let (session, ()) = tokio::join!(Session::open(link, &target), server.let_in());
    (session.unwrap(), server)
}

async fn refused(script: impl AsyncFnOnce(&mut Server), target: &Target) -> String {
    let (link, mut server) = pair();
    let (session, ()) = tokio::join!(Session::open(link, target), async {
        script(&mut server).await;
        // The session ends by itself; the other end stays open as long.
    });
    session.unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_never_sent_where_the_challenge_is_taken() {
    let (link, mut server) = pair();
    let target = target();
    let script = async {
        server.say("Asterisk Call Manager/11.0.0\n").await;
        let challenge =
            server.answer("Challenge", "Response: Success\nChallenge: 156078447\n").await;
        assert_eq!(challenge.get("AuthType"), Some("MD5"));
        server.answer("Login", "Response: Success\nMessage: Authentication accepted\n").await
    };
    let (session, login) = tokio::join!(Session::open(link, &target), script);
    assert_eq!(session.unwrap().banner().version, "11.0.0");
    assert_eq!(login.get("Secret"), None);
    assert_eq!(login.get("Username"), Some("rtstats"));
    assert_eq!(login.get("Events"), Some("on"));
    // printf 156078447mellon | md5sum
    assert_eq!(login.get("Key"), Some("886eb19e298c32dabbba09c5c7f561cc"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_challenge_sends_the_secret_only_where_that_is_allowed() {
    let script = async |server: &mut Server| {
        server.say(BANNER.trim_end()).await;
        server.say("\n").await;
        server.answer("Challenge", "Response: Error\nMessage: Must specify AuthType\n").await;
    };
    let text = refused(script, &target()).await;
    assert!(text.contains("isn't sent without TLS"), "{text}");

    let tls = Target { tls: Some(Tls::default()), ..target() };
    let allowed = Target { allow_plain_login: true, ..target() };
    for target in [tls, allowed] {
        let (link, mut server) = pair();
        let script = async {
            server.say("Asterisk Call Manager/1.0\n").await;
            server.answer("Challenge", "Response: Error\nMessage: Must specify AuthType\n").await;
            server.answer("Login", "Response: Success\nMessage: Authentication accepted\n").await
        };
        let (session, login) = tokio::join!(Session::open(link, &target), script);
        session.unwrap();
        assert_eq!((login.get("Secret"), login.get("Key")), (Some("mellon"), None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_names_the_user_and_the_section_and_no_secret() {
    let script = async |server: &mut Server| {
        server.say("Asterisk Call Manager/5.0.4\n").await;
        server.answer("Challenge", "Response: Success\nChallenge: 1\n").await;
        server.answer("Login", "Response: Error\nMessage: Authentication failed\n").await;
    };
    let text = refused(script, &target()).await;
    for part in ["pbx.example:5038", "[rtstats]", "Authentication failed", "permit", "secret"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(!text.contains("mellon") && !format!("{:?}", target()).contains("mellon"));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_no_asterisk_is_told_so() {
    for banner in ["SSH-2.0-OpenSSH_9.2\n", "HTTP/1.1 400 Bad Request\n", "\n"] {
        let text = refused(async |server: &mut Server| server.say(banner).await, &target()).await;
        assert!(text.contains("no Asterisk manager interface"), "{text}");
    }
    let before = Instant::now();
    let text = refused(async |_: &mut Server| {}, &target()).await;
    assert!(text.contains("says nothing for 5 s"), "{text}");
    assert_eq!(before.elapsed(), BANNER_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_connection_cut_before_the_banner_is_told_apart() {
    let (link, server) = pair();
    drop(server);
    let error = Session::open(link, &target()).await.unwrap_err();
    assert!(matches!(error, AmiError::TurnedAway { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_the_login_is_given_up() {
    let script = async |server: &mut Server| server.say("Asterisk Call Manager/5.0.4\n").await;
    let before = Instant::now();
    let text = refused(script, &target()).await;
    assert!(text.contains("doesn't answer the login within 10 s"), "{text}");
    assert_eq!(before.elapsed(), LOGIN_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn events_and_answers_come_in_the_order_of_the_wire() {
    let (link, mut server) = pair();
    let target = target();
    let script = async {
        server.say("Asterisk Call Manager/5.0.4\n").await;
        server.say("Event: A\n\n").await;
        server.answer("Challenge", "Response: Success\nChallenge: 1\n").await;
        server.say("Event: B\n\n").await;
        server.answer("Login", "Response: Success\n").await;
        server.say("Event: C\n\n").await;
    };
    let (session, ()) = tokio::join!(Session::open(link, &target), script);
    let mut session = session.unwrap();
    let id = session.send(&Action::new("QueueStatus"));
    let script = async {
        server.answer("QueueStatus", "Response: Success\nEventList: start\n").await;
        server.say("Event: D\n\nEvent: E\n\n").await;
    };
    let mut batch = Vec::new();
    let reading = async {
        while batch.len() < 6 {
            session.next_batch(&mut batch).await.unwrap();
        }
    };
    tokio::join!(reading, script);
    let names: Vec<_> = batch.iter().map(|message| message.name().unwrap_or("answer")).collect();
    assert_eq!(names, ["A", "B", "C", "answer", "D", "E"]);
    assert_eq!(batch[3].action_id(), Some(id));
}

#[tokio::test(start_paused = true)]
async fn all_that_came_at_once_is_one_batch() {
    let (mut session, mut server) = logged_in().await;
    server.say(&"Event: X\nUniqueid: 1.5\n\n".repeat(500)).await;
    let mut batch = Vec::new();
    session.next_batch(&mut batch).await.unwrap();
    assert_eq!(batch.len(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_server_is_asked_whether_it_is_there_and_its_answer_is_not_shown() {
    let (mut session, mut server) = logged_in().await;
    let start = Instant::now();
    let script = async {
        for number in 1..=3 {
            server.answer("Ping", "Response: Success\nPing: Pong\n").await;
            assert_eq!(start.elapsed(), PING_AFTER * number);
        }
        server.say("Event: Late\n\n").await;
        server
    };
    let (message, _server) = tokio::join!(session.next(), script);
    assert_eq!(message.unwrap().name(), Some("Late"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_talks_is_not_asked() {
    let (mut session, mut server) = logged_in().await;
    for _ in 0..10 {
        time::advance(PING_AFTER - Duration::from_secs(1)).await;
        server.say("Event: X\n\n").await;
        assert!(session.next().await.unwrap().is_event());
    }
    assert!(session.ping.is_none() && session.outgoing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_noticed_within_thirty_seconds() {
    let (mut session, _server) = logged_in().await;
    let start = Instant::now();
    let error = session.next().await.unwrap_err();
    assert!(matches!(error, AmiError::Silent { .. }), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_cut_connection_gives_what_came_before_and_then_its_end() {
    let (mut session, mut server) = logged_in().await;
    server.say("Event: Shutdown\nShutdown: Cleanly\n\nEvent: Half\nKey: va").await;
    drop(server);
    assert_eq!(session.next().await.unwrap().name(), Some("Shutdown"));
    let error = session.next().await.unwrap_err();
    assert!(matches!(error, AmiError::Closed { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_message_too_large_ends_the_session_behind_what_could_be_read() {
    let (mut session, mut server) = logged_in().await;
    let script = async {
        server.say("Event: X\n\n").await;
        server.say(&"x".repeat(2 * super::super::LINE_BYTES_MAX)).await;
        server
    };
    let reading = async {
        assert_eq!(session.next().await.unwrap().name(), Some("X"));
        session.next().await.unwrap_err()
    };
    let (error, _server) = tokio::join!(reading, script);
    assert!(matches!(error, AmiError::Malformed { malformed: Malformed::Line, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_action_survives_that_its_sending_is_dropped_half_way() {
    // So narrow that one action takes many writes.
    let (ours, theirs) = tokio::io::duplex(64);
    let mut server = Server { link: theirs, decoder: Decoder::new() };
    let target = target();
    let (session, ()) = tokio::join!(Session::open(Box::new(ours), &target), server.let_in());
    let mut session = session.unwrap();
    let context = "c".repeat(300);
    session.send(&Action::new("ExtensionState").with("Context", context.as_str()));
    let action = {
        let reading = server.action();
        tokio::pin!(reading);
        loop {
            tokio::select! {
                biased;
                action = &mut reading => break action,
                // A wait that is dropped at once, again and again.
                _ = time::timeout(Duration::ZERO, session.next()) => {}
            }
        }
    };
    assert_eq!(action.get("Context"), Some(&*context));
}

#[tokio::test(start_paused = true)]
async fn a_farewell_is_said() {
    let (session, mut server) = logged_in().await;
    let script = async {
        server.answer("Logoff", "Response: Goodbye\nMessage: Thanks for all the fish.\n").await;
        let mut rest = Vec::new();
        server.link.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
    };
    tokio::join!(session.logoff(), script);
}
