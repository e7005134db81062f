//! `rtstats connect asterisk --check` at a real Asterisk: what it says of a PBX that is well, and of a user that may not.

use std::{
    path::Path,
    process::{Child, Stdio},
};

use crate::{
    chroot::{Chroot, chroots},
    server::rtstats,
    stage::Stage,
};

/// One check under way.
struct Check {
    name: &'static str,
    child: Child,
}

impl Check {
    fn start(name: &'static str, folder: &Path, user: &str, port: u16, flags: &[&str]) -> Check {
        // A file of its own: another check may be reading while this one is written.
        let secret = folder.join(format!("{name}.secret"));
        std::fs::write(&secret, format!("{user}-secret\n")).unwrap();
        let child = rtstats()
            .args(["connect", "asterisk", &format!("localhost:{port}"), "--check"])
            .args(["--tenant", "acme", "--username", user, "--secret-file"])
            .arg(&secret)
            .arg("--state")
            .arg(folder.join(format!("{name}.json")))
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Check { name, child }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What is wrong with how it ended: it must have this exit status, and have said all this.
    fn judge(self, version: u32, status: i32, must_say: &[&str]) -> Vec<String> {
        let output = self.child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let secrets = ["rtstats-secret", "lacking-secret"];
        let told = secrets.iter().find(|it| said.contains(**it) || log.contains(**it));
        assert_eq!(told, None, "{said}{log}");
        let unsaid = must_say.iter().filter(|text| !said.contains(**text));
        let mut wrong: Vec<String> = unsaid.map(|text| format!("{text:?} is not said")).collect();
        if output.status.code() != Some(status) {
            wrong.push(format!("it ended with {}", output.status));
        }
        if let Some(last) = wrong.last_mut() {
            *last += &format!(":\n{said}{log}");
        }
        let name = self.name;
        wrong.into_iter().map(|line| format!("Asterisk {version}, {name}: {line}")).collect()
    }
}

fn checked(chroot: &Chroot) -> Vec<String> {
    let stage = Stage::new(chroot);
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.pem");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&other, made.cert.pem()).unwrap();
    let (own, pbx) = (stage.pbx.certificate_path(), &stage.pbx);
    let trusting = |path: &Path| ["--tls", "--tls-ca", path.to_str().unwrap()].map(str::to_owned);
    let (own, other) = (trusting(&own), trusting(&other));
    let (own, other) = (own.each_ref().map(|it| &**it), other.each_ref().map(|it| &**it));
    stage.join("sales", "agent01");
    stage.plan("agent01", &["answer:0.5:1"; 60].join("&"));
    let folder = folder.path();
    let mut checks = [
        Check::start("plain", folder, "rtstats", pbx.ami_port, &[]),
        Check::start("over TLS", folder, "rtstats", pbx.tls_port, &own),
        Check::start("without rights", folder, "lacking", pbx.ami_port, &[]),
        Check::start("of another certificate", folder, "rtstats", pbx.tls_port, &other),
    ];
    // There is always a call, and none for long: whoever looks twice sees different ones.
    let mut waiting = stage.call_in("lab", "");
    while !checks.iter_mut().all(Check::has_ended) {
        stage.call_in("sales", "");
        stage.wait_connect("agent01");
        let next = stage.call_in("lab", "");
        stage.hang_up(waiting);
        waiting = next;
        stage.wait("AgentComplete", &[]);
    }
    let version = chroot.version.to_string() + ".";
    let well = ["Nothing is missing.", "timestampevents", "sales", "Agent 01", &version];
    let lacking = ["add `agent` to `read` in [lacking]", "set `write = reporting` in [lacking]"];
    let expected: [(i32, &[&str]); 4] =
        [(0, &well), (0, &well), (1, &lacking), (1, &["Missing", "certificate"])];
    let judged = checks.into_iter().zip(expected);
    judged.flat_map(|(check, (status, said))| check.judge(chroot.version, status, said)).collect()
}

#[test]
fn the_check_tells_a_pbx_that_is_well_from_one_that_hides_things() {
    let Some(chroots) = chroots("the_check_tells_a_pbx_that_is_well_from_one_that_hides_things")
    else {
        return;
    };
    let wrong: Vec<String> = chroots.iter().flat_map(checked).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
