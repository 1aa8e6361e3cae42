//! A real Chromium, as a user has it: it is clicked and typed at, and looked at.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::PATIENCE;
use super::webdriver::WebDriver;

/// Runs in every document before its own scripts: violations of the policy are kept.
const LISTEN: &str = "window.violations = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    violations.push(`${violatedDirective} forbids ${blockedURI}`));";

/// Keys without a letter, as the protocol writes them.
pub(crate) mod key {
    pub(crate) const TAB: &str = "\u{E004}";
    pub(crate) const ENTER: &str = "\u{E007}";
    pub(crate) const RIGHT: &str = "\u{E014}";
    pub(crate) const DOWN: &str = "\u{E015}";
}

/// A Chromium with a profile of its own; it is closed when the test ends.
pub(crate) struct Browser {
    session: String,
    driver: WebDriver,
}

impl Browser {
    /// Opens a window whose page has this size, in pixels.
    pub(crate) fn open(width: u32, height: u32) -> Self {
        let driver = WebDriver::spawn();
        let profile = driver.folder.path().join("profile");
        let answer = driver.ask("POST", "/session", &capabilities(&profile));
        let session = format!("/session/{}", answer["sessionId"].as_str().unwrap());
        let browser = Self { session, driver };
        browser.begin_with(LISTEN);
        browser.resize(width, height);
        browser
    }

    /// Goes to an address and waits until the document and its scripts are there.
    pub(crate) fn goto(&self, url: &str) {
        self.post("/url", json!({ "url": url }));
    }

    /// Opens a tab beside the others, as by hand, and goes on there.
    pub(crate) fn new_tab(&self) {
        let tab = self.post("/window/new", json!({ "type": "tab" }));
        self.post("/window", json!({ "handle": tab["handle"] }));
        self.begin_with(LISTEN);
    }

    /// Has every document begin with a script.
    pub(crate) fn begin_with(&self, script: &str) {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// Takes the network away, or gives it back.
    pub(crate) fn go_offline(&self, offline: bool) {
        self.cdp("Network.enable", json!({}));
        let conditions = json!({ "offline": offline, "latency": 0,
            "downloadThroughput": -1, "uploadThroughput": -1 });
        self.cdp("Network.emulateNetworkConditions", conditions);
    }

    /// Presses the button that goes back.
    pub(crate) fn back(&self) {
        self.post("/back", json!({}));
    }

    /// Presses the button that goes forward.
    pub(crate) fn forward(&self) {
        self.post("/forward", json!({}));
    }

    /// Presses the button that loads the page anew.
    pub(crate) fn reload(&self) {
        self.post("/refresh", json!({}));
    }

    /// Runs the body of a function in the page, which may be async, and returns its result.
    pub(crate) fn script(&self, body: &str, arguments: Value) -> Value {
        let script = format!("return (async function () {{ {body} }}).apply(null, arguments);");
        self.post("/execute/sync", json!({ "script": script, "args": arguments }))
    }

    /// A short text from the page.
    pub(crate) fn text(&self, expression: &str) -> String {
        let value = self.script(&format!("return String({expression})"), json!([]));
        value.as_str().unwrap().to_owned()
    }

    /// A number from the page.
    pub(crate) fn number(&self, expression: &str) -> f64 {
        let value = self.script(&format!("return Number({expression})"), json!([]));
        value.as_f64().unwrap_or(f64::NAN)
    }

    /// Whether something holds in the page.
    pub(crate) fn holds(&self, expression: &str) -> bool {
        self.script(&format!("return Boolean({expression})"), json!([])) == true
    }

    /// Waits until something holds in the page.
    pub(crate) fn eventually(&self, what: &str, expression: &str) {
        self.wait(what, || self.holds(expression).then_some(()).ok_or_else(String::new));
    }

    /// Waits until `look` finds what it is for; the last thing it saw instead is in the failure.
    pub(crate) fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = match look() {
                Ok(found) => return found,
                Err(seen) => seen,
            };
            assert!(Instant::now() < until, "waited {PATIENCE:?} for {what}\nsaw: {seen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Clicks on the middle of an element. A click on an `option` chooses it.
    pub(crate) fn click(&self, selector: &str) {
        self.post(&format!("{}/click", self.element(selector)), json!({}));
    }

    /// Presses the button of the mouse on the middle of an element, and releases it this much later.
    pub(crate) fn hold(&self, selector: &str, pause: Duration) {
        let origin = self.post("/element", json!({ "using": "css selector", "value": selector }));
        let steps = json!([
            { "type": "pointerMove", "origin": origin, "x": 0, "y": 0, "duration": 0 },
            { "type": "pointerDown", "button": 0 },
            { "type": "pause", "duration": pause.as_millis() as u64 },
            { "type": "pointerUp", "button": 0 },
        ]);
        self.actions(json!({ "type": "pointer", "id": "mouse", "actions": steps }));
    }

    /// Presses and releases keys, one after the other, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let stroke = |key| {
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        };
        let strokes: Vec<Value> = keys.chars().map(String::from).flat_map(stroke).collect();
        self.actions(json!({ "type": "key", "id": "keyboard", "actions": strokes }));
    }

    /// Moves the mouse to a place in the window.
    pub(crate) fn hover(&self, x: f64, y: f64) {
        let near =
            json!({ "type": "pointerMove", "x": x as i64 - 3, "y": y as i64, "duration": 0 });
        let there = json!({ "type": "pointerMove", "x": x as i64, "y": y as i64, "duration": 50 });
        self.actions(json!({ "type": "pointer", "id": "mouse", "actions": [near, there] }));
    }

    /// What a screen reader says of an element: its role and its name.
    pub(crate) fn role_and_name(&self, selector: &str) -> (String, String) {
        let element = self.element(selector);
        let [role, name] = ["role", "label"].map(|what| {
            let path = format!("{}{element}/computed{what}", self.session);
            self.driver.ask("GET", &path, &json!({})).as_str().unwrap().to_owned()
        });
        (role, name)
    }

    /// Gives the page another size.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.metrics(width, height, false);
    }

    /// Becomes a phone: a narrow page that is scaled to the screen's width, and touched.
    pub(crate) fn become_phone(&self) {
        self.metrics(390, 844, true);
    }

    /// What the user has asked of the system: `light` or `dark`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// What the window shows, as a PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let value = self.driver.ask("GET", &format!("{}/screenshot", self.session), &json!({}));
        base64(value.as_str().unwrap())
    }

    /// What the console has said since it was last asked, and what the policy has forbidden.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let lines = self.post("/se/log", json!({ "type": "browser" }));
        let forbidden = self.script("return violations", json!([]));
        let lines = lines.as_array().unwrap().iter().map(|line| line["message"].to_string());
        lines.chain(forbidden.as_array().unwrap().iter().map(Value::to_string)).collect()
    }

    /// A command of the Chromium itself, beyond the protocol.
    pub(crate) fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    fn metrics(&self, width: u32, height: u32, mobile: bool) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.cdp("Emulation.setDeviceMetricsOverride", size);
    }

    fn actions(&self, source: Value) {
        self.post("/actions", json!({ "actions": [source] }));
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().unwrap().values().next().unwrap();
        format!("/element/{}", id.as_str().unwrap())
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.driver.ask("POST", &format!("{}{path}", self.session), &body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Lets Chromium end by itself; what does not is killed with the driver.
        let _ = self.driver.try_ask("DELETE", &self.session, &json!({}));
    }
}

fn capabilities(profile: &Path) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        &profile,
    ];
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    }}})
}

/// Decodes the text form in which the protocol sends pictures.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = |letter| ALPHABET.iter().position(|known| *known == letter).unwrap() as u32;
    let letters: Vec<u8> = text.bytes().filter(|letter| *letter != b'=').collect();
    let four = |four: &[u8]| {
        let bits = four.iter().fold(0, |bits, letter| bits << 6 | value(*letter));
        let bits = bits << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    letters.chunks(4).flat_map(four).collect()
}
