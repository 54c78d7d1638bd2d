//! A headless Chromium, driven over its DevTools protocol by this crate's own client.

use crate::support;
use crate::support::process::Process;
use crate::support::raw::PATIENCE;
use plainws::{Message, Received, WebSocket};
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// A browser, ended and cleaned up when it is dropped.
pub(crate) struct Browser {
    process: Option<Process>,
    /// Its settings, caches and the like.
    folder: PathBuf,
    /// Where it listens for orders.
    url: String,
}

impl Browser {
    /// The browser that the tests of this process share; without one on this machine, `None`, and
    /// the person who runs the tests reads why. With `PLAINWS_BROWSER=required` that is a failure.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        // Weak, because a static would never end it.
        static SHARED: Mutex<Weak<Browser>> = Mutex::new(Weak::new());

        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(browser) = shared.upgrade() {
            return Some(browser);
        }
        let Some(program) = find() else {
            let why = "no Chromium: none of chromium, chromium-browser and google-chrome is in PATH, \
                       and PLAINWS_BROWSER_PATH names none";
            static SAID: Once = Once::new();
            SAID.call_once_force(|_| support::skip("the browser tests", why, "PLAINWS_BROWSER"));
            return None;
        };
        let browser = Arc::new(Self::start(&program));
        *shared = Arc::downgrade(&browser);
        Some(browser)
    }

    fn start(program: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("plainws-browser-{}-{count}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a new folder for a new browser");
        // From here on its drop cleans up, also when it does not start.
        let mut browser = Self {
            process: None,
            folder,
            url: String::new(),
        };
        let mut command = Command::new(program);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                // The tests' own are known to nobody. Whether they are good, other peers say.
                "--ignore-certificate-errors",
                // Tests share the browser: a page behind another goes on as if it were in front.
                "--disable-background-timer-throttling",
                "--disable-backgrounding-occluded-windows",
                "--disable-renderer-backgrounding",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", browser.folder.display()))
            .arg("about:blank")
            // A browser that is killed leaves its temporary files behind.
            .env("TMPDIR", &browser.folder);
        let process = Process::start(&mut command)
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let stderr = process.stderr.clone();
        browser.process = Some(process);
        browser.url = stderr.wait_for("DevTools address", |text| {
            let (_, url) = text.split_once("DevTools listening on ")?;
            Some(url.lines().next()?.trim().to_owned())
        });
        browser
    }

    /// Opens a page and sees to it that everything about it is reported.
    pub(crate) fn open(self: &Arc<Self>, url: &str) -> Page {
        let mut page = Page {
            ws: plainws::connect(&self.url).expect("the browser answers a handshake"),
            session: None,
            calls: 0,
            events: Vec::new(),
            _browser: Arc::clone(self),
        };
        // A window of its own: a page behind another in the same one draws nothing.
        let blank = json!({ "url": "about:blank", "newWindow": true });
        let target = page.call("Target.createTarget", blank);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = page.call("Target.attachToTarget", attach);
        page.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.call("Page.navigate", json!({ "url": url }));
        page.wait_for_event("Page.loadEventFired");
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.process = None;
        // Its helpers see that it is gone, and may write until then.
        let deadline = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir_all(&self.folder).is_err()
            && self.folder.exists()
            && Instant::now() < deadline
        {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A page in the browser.
pub(crate) struct Page {
    ws: WebSocket,
    /// What the browser calls the page; without it, the browser itself is spoken to.
    session: Option<String>,
    calls: u64,
    /// What the browser reported so far.
    events: Vec<Value>,
    _browser: Arc<Browser>,
}

impl Page {
    /// The value of an expression in the page; a promise is waited for.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let arguments = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true,
        });
        let mut answer = self.call("Runtime.evaluate", arguments);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// Waits until an expression in the page is true.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, condition: &str) {
        let seconds = PATIENCE.as_secs() / 2;
        let came_true = self.evaluate(&format!(
            "new Promise((resolve) => {{
                const end = performance.now() + {seconds} * 1000;
                const look = () => {{
                    if ({condition}) resolve(true);
                    else if (performance.now() > end) resolve(false);
                    else setTimeout(look, 20);
                }};
                look();
            }})"
        ));
        if came_true != true {
            let shown = self.evaluate("document.body.innerText");
            panic!("{condition} does not come true in the page:\n{shown}");
        }
    }

    /// The visible text of the element with this id.
    #[track_caller]
    pub(crate) fn text(&mut self, id: &str) -> String {
        let text = self.evaluate(&format!("document.getElementById('{id}').innerText"));
        text.as_str().expect("text is a string").to_owned()
    }

    /// Clicks into the middle of the element with this id, wherever the page has it.
    #[track_caller]
    pub(crate) fn click(&mut self, id: &str) {
        let middle = self.evaluate(&format!(
            "{{
                const element = document.getElementById('{id}');
                element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = element.getBoundingClientRect();
                ({{ x: box.x + box.width / 2, y: box.y + box.height / 2 }})
            }}"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let mut event = json!({ "type": kind, "button": "left", "clickCount": 1 });
            event["x"] = middle["x"].clone();
            event["y"] = middle["y"].clone();
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Presses a link, and waits for the page that it leads to.
    #[track_caller]
    pub(crate) fn follow(&mut self, link: &str) {
        self.events
            .retain(|event| event["method"] != "Page.loadEventFired");
        let pressed = self.evaluate(&format!(
            "{{
                const link = document.querySelector('{link}');
                // The answer to this must be sent before the page goes.
                setTimeout(() => link?.click());
                Boolean(link)
            }}"
        ));
        assert_eq!(pressed, true, "there is no {link}");
        self.wait_for_event("Page.loadEventFired");
    }

    /// Types a text into whatever has the keyboard.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    pub(crate) fn press_enter(&mut self) {
        self.press("Enter");
    }

    /// Presses a key: a letter, or one by its name, such as `ArrowLeft`.
    pub(crate) fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, Some("\r")),
            "Tab" => (9, None),
            "Escape" => (27, None),
            "End" => (35, None),
            "Home" => (36, None),
            "ArrowLeft" => (37, None),
            "ArrowUp" => (38, None),
            "ArrowRight" => (39, None),
            "ArrowDown" => (40, None),
            " " => (32, Some(" ")),
            letter => (letter.to_uppercase().as_bytes()[0], Some(letter)),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if let (Some(text), "keyDown") = (text, kind) {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Shows the page in a window of this size, magnified so many times, on a device with light or dark colours.
    pub(crate) fn look(&mut self, width: u32, height: u32, zoom: u32, scheme: &str) {
        // A page that is magnified twice has half as many pixels of its own.
        let size = json!({
            "width": width / zoom, "height": height / zoom, "deviceScaleFactor": zoom, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        );
        self.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
        );
    }

    /// What is wrong with how the page looks and is reached, in sentences.
    #[track_caller]
    pub(crate) fn audit(&mut self) -> Vec<String> {
        let found = self.evaluate(include_str!("audit.js"));
        serde_json::from_value(found).expect("a list of sentences")
    }

    /// What a screen reader has of the page: role and name of each node that counts.
    pub(crate) fn spoken(&mut self) -> Vec<(String, String)> {
        self.call("Accessibility.enable", json!({}));
        let tree = self.call("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().expect("a list of nodes");
        let nodes = nodes.iter().filter(|node| node["ignored"] == false);
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        nodes
            .map(|node| (text(&node["role"]), text(&node["name"])))
            .collect()
    }

    /// What the browser reported of this kind so far.
    pub(crate) fn events(&mut self, method: &str) -> Vec<Value> {
        // An answer arrives after all events that came before it.
        self.evaluate("0");
        let events = self.events.iter().filter(|event| event["method"] == method);
        events.map(|event| event["params"].clone()).collect()
    }

    /// What is wrong with a visit to a page that has nothing but what begins with one of these URLs: an error in the
    /// console, a request that failed or went elsewhere, a document without a policy.
    pub(crate) fn problems(&mut self, own: &[String]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut find = |method: &str, problem: &dyn Fn(&Value) -> Option<Value>| {
            for event in self.events(method) {
                problems.extend(problem(&event).map(|value| format!("{method}: {value}")));
            }
        };
        let is_foreign = |url: &Value| {
            let url = url.as_str().unwrap_or_default();
            !own.iter().any(|own| url.starts_with(own))
        };
        let is_bad = |kind: &Value| ["error", "warning", "assert"].iter().any(|bad| kind == bad);

        find("Runtime.exceptionThrown", &|thrown| Some(thrown.clone()));
        find("Runtime.consoleAPICalled", &|call| {
            is_bad(&call["type"]).then(|| call["args"].clone())
        });
        find("Log.entryAdded", &|added| {
            is_bad(&added["entry"]["level"]).then(|| added["entry"].clone())
        });
        find("Network.loadingFailed", &|failed| Some(failed.clone()));
        find("Network.requestWillBeSent", &|sent| {
            let url = &sent["request"]["url"];
            is_foreign(url).then(|| url.clone())
        });
        find("Network.webSocketCreated", &|created| {
            is_foreign(&created["url"]).then(|| created["url"].clone())
        });
        find("Network.responseReceived", &|received| {
            let response = &received["response"];
            let names = response["headers"].as_object().into_iter().flatten();
            let mut names = names.map(|(name, _)| name.to_ascii_lowercase());
            let has_policy = names.any(|name| name == "content-security-policy");
            let is_right = response["status"] == 200 && has_policy;
            (!is_right).then(|| response.clone())
        });
        problems
    }

    fn wait_for_event(&mut self, method: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.events.iter().any(|event| event["method"] == method) {
            let event = self.receive(deadline);
            self.events.push(event);
        }
    }

    /// Calls a method and waits for its result; events that come before it are kept.
    #[track_caller]
    fn call(&mut self, method: &str, arguments: Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": arguments });
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        self.ws
            .send(call.to_string())
            .expect("the browser takes orders");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut message = self.receive(deadline);
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn receive(&mut self, deadline: Instant) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.ws.receive_timeout(left) {
            Ok(Received::Message(Message::Text(text))) => {
                serde_json::from_str(&text).expect("the browser speaks JSON")
            }
            other => panic!("an answer of the browser, not {other:?}"),
        }
    }
}

/// The browser that is asked for, else the first that is there.
fn find() -> Option<PathBuf> {
    if let Some(path) = env::var_os("PLAINWS_BROWSER_PATH") {
        return Some(path.into());
    }
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut candidates = names
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)));
    candidates.find(|candidate| candidate.is_file())
}
