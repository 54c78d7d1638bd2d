//! The files in `examples/deploy/` as they stand: what systemd, buildah and Kubernetes' schemas say of them, and what the
//! program does with the arguments in them.

use crate::readme_commands::look_up;
use crate::support::program::{Program, command, run};
use crate::support::server::wait_until;
use crate::support::skip;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, process};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> PathBuf {
    root().join("examples/deploy").join(name)
}

fn text_of(name: &str) -> String {
    fs::read_to_string(file(name)).expect("it is text")
}

fn output(command: &mut Command) -> Output {
    command.output().expect("it can be started")
}

/// What it says, if it succeeds.
#[track_caller]
fn said(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = output(command);
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    stdout
}

fn is_installed(program: &str, argument: &str) -> bool {
    let ran = Command::new(program).arg(argument).output();
    ran.is_ok_and(|output| output.status.success())
}

/// A folder that is empty, and removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("plainws-{}-{name}", process::id()));
        fs::create_dir(&path).expect("it is not there yet");
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The value of an option, whether it stands after `=` or after a space.
fn option<'a>(arguments: &'a [String], name: &str) -> &'a str {
    let mut words = arguments.iter().flat_map(|word| word.split('='));
    words.find(|word| *word == name).expect(name);
    words.next().expect(name)
}

fn seconds(arguments: &[String], name: &str) -> u64 {
    option(arguments, name).parse().expect(name)
}

/// Starts the program with arguments of a file, but at this address.
fn serve(arguments: &[String], address: &str) -> Program {
    let there = option(arguments, "--addr");
    let here = |word: &String| word.replace(there, address);
    let arguments: Vec<_> = arguments.iter().map(here).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    Program::of(run(&arguments))
}

/// The status and the text of an answer.
fn get(program: &Program, path: &str, host: &str) -> (u16, String) {
    let mut raw = program.connect();
    raw.send(format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    ));
    let response = raw.response();
    (response.status, response.text().trim_end().to_owned())
}

mod the_unit {
    use super::*;

    const SYSTEMD: &str = "PLAINWS_SYSTEMD";

    /// Words of a line of the service, such as `ExecStart`.
    fn words(name: &str) -> Vec<String> {
        let text = text_of("plainws.service").replace("\\\n", " ");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let line = lines.find_map(|line| line.strip_prefix('=')).expect(name);
        line.split_whitespace().map(String::from).collect()
    }

    /// Both units in a folder, with this program instead of the installed one.
    fn copies(name: &str, program: &str) -> Folder {
        let folder = Folder::new(name);
        for unit in ["plainws.service", "plainws.socket"] {
            let text = text_of(unit).replace("/usr/local/bin/plainws", program);
            fs::write(folder.join(unit), text).expect("it can be written");
        }
        folder
    }

    fn has_systemd() -> bool {
        let has = is_installed("systemd-analyze", "--version");
        if !has {
            skip("deploy::the_unit", "systemd is not installed", SYSTEMD);
        }
        has
    }

    #[test]
    fn says_nothing_that_systemd_does_not_know() {
        if !has_systemd() {
            return;
        }
        let folder = copies("verified", "/bin/true");
        let units = ["plainws.service", "plainws.socket"].map(|unit| folder.join(unit));
        let output = output(Command::new("systemd-analyze").arg("verify").args(units));
        // It warns of an unknown directive, and still ends with 0.
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }

    /// In tenths; 100 is what a service may do that says nothing of it. What is left is the root folder of the
    /// machine, and the limits in `/proc/sys`. Another version of systemd may count a little differently.
    const EXPOSURE: &str = "7";

    #[test]
    fn leaves_the_program_few_rights() {
        if !has_systemd() {
            return;
        }
        let folder = copies("exposed", "/bin/true");
        said(
            Command::new("systemd-analyze")
                .args(["security", "--no-pager", "--offline=true"])
                .arg(format!("--threshold={EXPOSURE}"))
                .arg(folder.join("plainws.service")),
        );
    }

    #[test]
    fn starts_the_program_with_options_that_it_has() {
        let words = words("ExecStart");
        assert_eq!(words[..2], ["/usr/local/bin/plainws", "serve"]);
        let program = serve(&words[1..], "127.0.0.1:0");
        assert_eq!(get(&program, "/healthz", "example.com"), (200, "ok".into()));
    }

    #[test]
    fn gives_it_the_time_and_the_places_that_its_options_need() {
        let number = |name| words(name)[0].parse::<u64>().expect(name);
        let options = words("ExecStart");
        let ending = seconds(&options, "--drain") + seconds(&options, "--grace");
        assert!(number("TimeoutStopSec") > ending);
        // What the server keeps back of each: `net::capacity`.
        let connections = seconds(&options, "--max-connections");
        assert!(number("LimitNOFILE") >= connections + 200);
        let threads = number("TasksMax");
        assert!(threads - threads / 8 >= connections + 50, "{threads}");
    }

    /// Needs namespaces, and thus root.
    #[cfg(target_os = "linux")]
    #[test]
    fn does_in_systemd_what_the_page_says() {
        if !has_systemd() {
            return;
        }
        let can =
            "unshare --mount --pid --net --uts --ipc --cgroup --fork mount -t tmpfs tmpfs /mnt";
        if !output(Command::new("bash").args(["-c", can]))
            .status
            .success()
        {
            let why = "namespaces cannot be made here";
            return skip("deploy::the_unit in systemd", why, SYSTEMD);
        }
        let folder = copies("booted", "/usr/local/bin/plainws");
        let mut socket = text_of("plainws.socket");
        // The proposal for a Unix socket, too.
        for line in ["ListenStream=/", "SocketMode=", "SocketGroup="] {
            let proposed = format!("# {line}");
            assert!(socket.contains(&proposed), "{line}");
            socket = socket.replace(&proposed, line);
        }
        fs::write(folder.join("plainws.socket"), socket).expect("it can be written");
        let drop_in = "[Service]\nStandardOutput=append:/run/log\nStandardError=append:/run/log\n";
        fs::create_dir(folder.join("plainws.service.d")).expect("it is not there yet");
        fs::write(folder.join("plainws.service.d/log.conf"), drop_in).expect("it can be written");
        let scripts = root().join("tests/deploy");
        let said = said(
            Command::new(scripts.join("with-systemd"))
                .arg(&folder.0)
                .arg(env!("CARGO_BIN_EXE_plainws"))
                .arg(scripts.join("unit.sh")),
        );
        let expected = "\
            before a connection: inactive\n\
            it starts and serves: Hello\n\
            with a connection: active\n\
            CapEff:\t0000000000000000\n\
            CapBnd:\t0000000000000000\n\
            NoNewPrivs:\t1\n\
            Seccomp:\t2\n\
            it is not root\n\
            open files: 12000\n\
            load: true\n\
            a tick: 1\n\
            / 200\n\
            /clock 200\n\
            /healthz 200\n\
            /healthz/live 200\n\
            /metrics 200\n\
            /time 200\n\
            over a Unix socket: ok\n\
            its mode: 660 www-data\n\
            while it drains: Hello, deactivating\n\
            who stayed: plainws: closed 1001 going away: the server is shutting down\n\
            the next: ok\n\
            attempts lost: 0\n\
            hardly any is refused\n\
            at the end: inactive success 0\n\
            over TCP again: Hello\n\
            over the Unix socket again: ok\n\
            killed, it is started again: ok\n\
            warnings: 0\n";
        assert_eq!(said, expected);
    }
}

mod the_image {
    use super::*;

    /// What is copied from the repository, in the Containerfile's order.
    fn copied() -> Vec<String> {
        let text = text_of("Containerfile");
        let lines = text.lines().filter_map(|line| line.strip_prefix("COPY "));
        let from_here = lines.filter(|line| !line.starts_with("--from"));
        let names = from_here.flat_map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            words[..words.len() - 1].to_vec()
        });
        names.map(String::from).collect()
    }

    #[test]
    fn is_built_of_all_that_cargo_looks_at() {
        let folder = Folder::new("context");
        for name in copied() {
            let there = root().join(&name);
            std::os::unix::fs::symlink(there, folder.join(&name)).expect("it is new");
        }
        // Reads every manifest and looks for every target that is named there, as a build does before it begins.
        said(
            Command::new(env!("CARGO"))
                .args(["tree", "--locked", "--offline", "--quiet"])
                .current_dir(&folder.0),
        );
        let text = text_of("Containerfile");
        let mut builds = text.lines().filter_map(|line| line.strip_prefix("RUN "));
        let build = builds.find(|line| line.starts_with("cargo "));
        let words = build.expect("it is built").split(' ').collect();
        assert_eq!(look_up(words), Ok(()));
    }

    /// Words of a line in the form that needs no shell.
    fn words(name: &str) -> Vec<String> {
        let text = text_of("Containerfile");
        let mut lines = text.lines();
        let line = lines
            .find_map(|line| line.split_once(&format!("{name} [")))
            .expect(name);
        serde_json::from_str(&format!("[{}", line.1)).expect(name)
    }

    #[test]
    fn starts_the_program_with_options_that_it_has() {
        let program = serve(&words("CMD"), "0.0.0.0:0");
        assert_eq!(get(&program, "/healthz", "localhost"), (200, "ok".into()));
    }

    #[test]
    fn has_a_proposal_for_a_check_that_tells_a_server_from_none() {
        let mut check = words("# HEALTHCHECK CMD");
        assert_eq!(check.remove(0), "/plainws");
        let port = option(&words("CMD"), "--addr")
            .rsplit(':')
            .next()
            .map(String::from);
        let address = format!("127.0.0.1:{}", port.expect("a port"));
        let mut program = serve(&words("CMD"), "0.0.0.0:0");
        let is_healthy = || {
            let here = format!("127.0.0.1:{}", program.address.port());
            let words = check.iter().map(|word| word.replace(&address, &here));
            let ran = output(command().args(words));
            ran.status.success()
        };
        assert!(is_healthy());
        program.process.signal("KILL");
        program.process.wait();
        assert!(!is_healthy());
    }

    /// With stand-ins for the image that it begins with, which would come from a registry, and for cargo.
    #[test]
    fn is_what_buildah_makes_of_the_file() {
        const BUILDAH: &str = "PLAINWS_BUILDAH";
        if !is_installed("buildah", "--version") || !is_installed("busybox", "--help") {
            return skip(
                "deploy::the_image",
                "buildah and busybox are not installed",
                BUILDAH,
            );
        }
        let folder = Folder::new("buildah");
        let stand_in = "\
            FROM scratch\n\
            COPY busybox /bin/\n\
            RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
            COPY apk cargo /bin/\n\
            ENV PATH=/bin\n";
        let scripts = [
            ("Containerfile", stand_in),
            ("apk", "#!/bin/sh\n"),
            (
                "cargo",
                "#!/bin/sh\nmkdir -p target/release && cp /bin/busybox target/release/plainws\n",
            ),
        ];
        for (name, text) in scripts {
            fs::write(folder.join(name), text).expect("it can be written");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.join(name), mode).expect("it is ours");
        }
        let busybox = said(Command::new("bash").args(["-c", "type -P busybox"]));
        fs::copy(busybox.trim(), folder.join("busybox")).expect("it can be read");

        let buildah = |arguments: &[&str]| {
            let mut command = Command::new("buildah");
            command.args(["--storage-driver", "vfs", "--root"]);
            command
                .arg(folder.join("root"))
                .arg("--runroot")
                .arg(folder.join("run"));
            command.args(arguments).current_dir(root());
            command
        };
        let build = ["build", "--quiet", "--isolation", "chroot", "--pull=never"];
        let first = text_of("Containerfile");
        let mut names = first.lines().filter_map(|line| line.strip_prefix("FROM "));
        let first = names
            .find_map(|line| line.strip_suffix(" AS build"))
            .expect("a first stage");
        let context = folder.0.display().to_string();
        let there = folder.join("Containerfile").display().to_string();
        said(&mut buildah(
            &[&build[..], &["-f", &there, "-t", first, &context]].concat(),
        ));
        let here = file("Containerfile").display().to_string();
        said(&mut buildah(
            &[&build[..], &["-f", &here, "-t", "plainws", "."]].concat(),
        ));

        let image = said(&mut buildah(&["inspect", "--type", "image", "plainws"]));
        let image: Value = serde_json::from_str(&image).expect("it is JSON");
        let config = &image["OCIv1"]["config"];
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["StopSignal"], "SIGTERM");
        assert_eq!(config["Entrypoint"], json!(["/plainws"]));
        assert_eq!(config["Cmd"], json!(words("CMD")));
        let port = option(&words("CMD"), "--addr")
            .rsplit(':')
            .next()
            .map(String::from);
        let port = port.expect("a port");
        assert_eq!(config["ExposedPorts"], json!({format!("{port}/tcp"): {}}));

        let container = said(&mut buildah(&["from", "--pull=never", "plainws"]));
        let files = said(&mut buildah(&["mount", container.trim()]));
        let files = Path::new(files.trim()).read_dir().expect("it is a folder");
        let files: Vec<_> = files
            .map(|file| file.expect("it can be read").file_name())
            .collect();
        assert_eq!(files, ["plainws"]);
        said(&mut buildah(&["umount", container.trim()]));
    }
}

mod in_kubernetes {
    use super::*;

    const KUBERNETES: &str = "PLAINWS_KUBERNETES";

    /// The documents of the file, once they have passed the schemas.
    fn documents() -> Option<Vec<Value>> {
        const CHECK: &str = "\
import json, sys, yaml
from kubernetes_validate import validate
documents = list(yaml.safe_load_all(open(sys.argv[1])))
for document in documents:
    validate(document, '1.37', strict=True)
print(json.dumps(documents))";

        if !output(Command::new("python3").args(["-c", "import kubernetes_validate"]))
            .status
            .success()
        {
            let why = "python3 or its package kubernetes-validate is not installed";
            skip("deploy::in_kubernetes", why, KUBERNETES);
            return None;
        }
        let json = said(
            Command::new("python3")
                .args(["-c", CHECK])
                .arg(file("kubernetes.yaml")),
        );
        serde_json::from_str(&json).expect("it is JSON")
    }

    fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
        let mut found = documents.iter().filter(|document| document["kind"] == kind);
        found.next().expect(kind)
    }

    fn arguments(container: &Value) -> Vec<String> {
        let words = container["args"].as_array().expect("a list").iter();
        words
            .map(|word| word.as_str().expect("a word").into())
            .collect()
    }

    #[test]
    fn the_kubelet_learns_who_is_ready_and_who_lives() {
        let Some(documents) = documents() else { return };
        let pod = &of_kind(&documents, "Deployment")["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let [name, field] = [
            &container["env"][0]["name"],
            &container["env"][0]["valueFrom"]["fieldRef"],
        ];
        assert_eq!(field["fieldPath"], "status.podIP");
        let its_address = format!("$({})", name.as_str().expect("text"));
        let arguments = arguments(container);
        let arguments: Vec<_> = arguments
            .iter()
            .map(|word| word.replace(&its_address, "10.1.2.3"))
            .collect();
        let mut program = serve(&arguments, "0.0.0.0:0");
        let probe = |name: &str| {
            let get_it = &container[name]["httpGet"];
            assert_eq!(get_it["port"], container["ports"][0]["name"]);
            let path = get_it["path"].as_str().expect("text");
            // The kubelet names the pod's address.
            get(&program, path, "10.1.2.3:8000").0
        };
        assert_eq!(probe("readinessProbe"), 200);
        assert_eq!(probe("livenessProbe"), 200);
        assert_eq!(get(&program, "/healthz", "example.com").0, 200);
        assert_eq!(get(&program, "/healthz", "other.example").0, 421);

        program.process.signal("TERM");
        wait_until("it drains", || probe("readinessProbe") == 503);
        assert_eq!(probe("livenessProbe"), 200);
        // Nobody wants to wait that long here: a second signal ends the drain.
        program.process.signal("TERM");
        assert!(program.process.wait().success());
    }

    #[test]
    fn what_belongs_together_is_the_same() {
        let Some(documents) = documents() else { return };
        let deployment = &of_kind(&documents, "Deployment")["spec"];
        let pod = &deployment["template"]["spec"];
        let container = &pod["containers"][0];
        let arguments = arguments(container);

        let labels = &deployment["template"]["metadata"]["labels"];
        let disruption = &of_kind(&documents, "PodDisruptionBudget")["spec"];
        let service = &of_kind(&documents, "Service")["spec"];
        let spread = &pod["topologySpreadConstraints"][0]["labelSelector"];
        for selector in [&deployment["selector"], &disruption["selector"], spread] {
            assert_eq!(&selector["matchLabels"], labels);
        }
        assert_eq!(&service["selector"], labels);

        let ingress = &of_kind(&documents, "Ingress")["spec"]["rules"][0];
        assert_eq!(ingress["host"], option(&arguments, "--allow-host"));
        let backend = &ingress["http"]["paths"][0]["backend"]["service"];
        assert_eq!(backend["port"]["name"], service["ports"][0]["name"]);
        let port = option(&arguments, "--addr")
            .rsplit(':')
            .next()
            .expect("a port");
        assert_eq!(container["ports"][0]["containerPort"].to_string(), port);

        let time = pod["terminationGracePeriodSeconds"]
            .as_u64()
            .expect("a number");
        let ending = seconds(&arguments, "--drain") + seconds(&arguments, "--grace");
        assert!(time > ending, "{time} s to end in {ending} s");
        // Until proxies hear of it.
        let period = container["readinessProbe"]["periodSeconds"]
            .as_u64()
            .expect("a number");
        assert!(seconds(&arguments, "--drain") > 2 * period);
        assert_eq!(
            words_of_user(),
            pod["securityContext"]["runAsUser"].to_string()
        );
    }

    /// The image's.
    fn words_of_user() -> String {
        let text = text_of("Containerfile");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("USER "));
        let user = lines.find_map(|line| line.split_once(':')).expect("a user");
        user.0.into()
    }
}
