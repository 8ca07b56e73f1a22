//! Chromium, driven through its WebDriver program.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::runtime::Runtime;

use crate::harness::site::free_address;

/// Nothing in a page takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser with a fresh profile.
pub(crate) struct Browser {
    runtime: Runtime,
    driver: Option<WebDriver>,
    program: Child,
    _profile: tempfile::TempDir,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What `cargo xtask install` brought.
pub(crate) fn installed(path: &str) -> PathBuf {
    let path = root().join("target/xtask").join(path);
    assert!(path.exists(), "{} is not there; `cargo xtask install` brings it", path.display());
    path
}

/// A port where nothing listens.
pub(crate) fn free_port() -> u16 {
    free_address().port()
}

impl Browser {
    /// Starts Chromium with a window of a desktop's size, in English.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let port = free_port();
        let program = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver; `cargo xtask install` brings it");
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        let directory = format!("--user-data-dir={}", profile.path().display());
        for argument in [
            "--headless=new",
            // Tests may run as root in a container, where the sandbox cannot be made. Only our own pages are shown.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
            "--lang=en-GB",
            "--accept-lang=en-GB",
            &directory,
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let address = format!("http://127.0.0.1:{port}");
        let driver = runtime.block_on(connect(&address, &wanted));
        let browser = Self { runtime, driver: Some(driver), program, _profile: profile };
        browser.resize(1_440, 900);
        browser
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().unwrap()
    }

    fn wait<T>(&self, what: impl Future<Output = WebDriverResult<T>>) -> T {
        self.runtime
            .block_on(what)
            .unwrap_or_else(|error| panic!("{error}\nat {}\n{}", self.address(), self.body()))
    }

    /// Speaks the browser's own protocol.
    pub(crate) fn protocol(&self, method: &str, parameters: Value) -> Value {
        self.runtime.block_on(self.driver().cdp().send_raw(method, parameters)).unwrap()
    }

    /// Pretends that the window has this size, also one that windows do not get.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.protocol("Emulation.setDeviceMetricsOverride", size);
    }

    /// Opens an address.
    pub(crate) fn open(&self, address: &str) {
        self.wait(self.driver().goto(address));
    }

    /// The address of the page that is shown.
    pub(crate) fn address(&self) -> String {
        self.runtime.block_on(self.driver().current_url()).map(|url| url.to_string()).unwrap_or_default()
    }

    /// The path of the page that is shown, without what comes after it.
    pub(crate) fn path(&self) -> String {
        let address = self.address();
        let path = address.splitn(4, '/').nth(3).unwrap_or_default();
        format!("/{}", path.split('?').next().unwrap_or_default())
    }

    /// What the page says.
    pub(crate) fn body(&self) -> String {
        let found = self.runtime.block_on(async { self.driver().find(By::Css("body")).await?.text().await });
        found.unwrap_or_default()
    }

    fn element(&self, selector: &str) -> WebElement {
        let began = Instant::now();
        loop {
            let found = self.runtime.block_on(self.driver().find(By::Css(selector)));
            match found {
                Ok(element) => return element,
                Err(error) if began.elapsed() > PATIENCE => {
                    panic!("{selector}: {error}\nat {}\n{}", self.address(), self.body())
                }
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    /// Whether the page has such an element.
    pub(crate) fn has(&self, selector: &str) -> bool {
        !self.wait(self.driver().find_all(By::Css(selector))).is_empty()
    }

    /// How many such elements the page has.
    pub(crate) fn count(&self, selector: &str) -> usize {
        self.wait(self.driver().find_all(By::Css(selector))).len()
    }

    /// The text of an element, once it is there.
    pub(crate) fn text(&self, selector: &str) -> String {
        self.wait(self.element(selector).text())
    }

    /// Types into a field, in place of what it holds.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        let field = self.element(selector);
        self.wait(field.clear());
        self.wait(field.send_keys(text));
    }

    /// Clicks an element. When it leads to another page, waits until the old one is gone: what comes next is meant for the
    /// new one.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        let kind = self.wait(element.prop("type")).unwrap_or_default();
        let leads_on = kind == "submit" || self.wait(element.tag_name()) == "a";
        let old = self.element("html");
        self.wait(element.click());
        let began = Instant::now();
        while leads_on && self.runtime.block_on(old.tag_name()).is_ok() {
            assert!(
                began.elapsed() < PATIENCE,
                "{selector} led nowhere from {}:\n{}",
                self.address(),
                self.body()
            );
            std::thread::yield_now();
        }
    }

    /// Clicks an element that leaves the page as it is, such as one that begins a download.
    pub(crate) fn press_in_place(&self, selector: &str) {
        self.wait(self.element(selector).click());
    }

    /// Lets downloads come into a folder.
    pub(crate) fn downloads_to(&self, folder: &Path) {
        let parameters = json!({"behavior": "allow", "downloadPath": folder.display().to_string()});
        self.protocol("Browser.setDownloadBehavior", parameters);
    }

    /// What comes into the folder by doing this, once it is whole.
    #[track_caller]
    pub(crate) fn fetches(&self, folder: &Path, act: impl FnOnce()) -> PathBuf {
        let files = || -> Vec<PathBuf> {
            std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_file())
                .collect()
        };
        let before = files();
        act();
        let began = Instant::now();
        loop {
            let new = files().into_iter().find(|path| {
                !before.contains(path)
                    && path.extension().is_none_or(|end| end != "crdownload")
                    && !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
            });
            if let Some(file) = new {
                return file;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "nothing was fetched at {}:\n{}",
                self.address(),
                self.body()
            );
            std::thread::yield_now();
        }
    }

    /// Presses keys wherever the focus is.
    pub(crate) fn press(&self, keys: impl AsRef<str>) {
        self.wait(self.driver().action_chain().send_keys(keys.as_ref()).perform());
    }

    /// Presses a key while another is held down.
    pub(crate) fn chord(&self, held: &str, key: &str) {
        let held = held.chars().next().unwrap();
        let chain = self.driver().action_chain().key_down(held).send_keys(key).key_up(held);
        self.wait(chain.perform());
    }

    /// Runs a script in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.wait(self.driver().execute(script, vec![])).json().clone()
    }

    /// Waits until the page's path is this one.
    #[track_caller]
    pub(crate) fn arrives(&self, path: &str) {
        let began = Instant::now();
        while self.path() != path {
            assert!(began.elapsed() < PATIENCE, "not at {path} but {}:\n{}", self.address(), self.body());
            std::thread::yield_now();
        }
    }

    /// Waits until the page says something.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        let began = Instant::now();
        while !self.body().contains(text) {
            assert!(began.elapsed() < PATIENCE, "{text:?} is not at {}:\n{}", self.address(), self.body());
            std::thread::yield_now();
        }
    }

    /// Checks the page with axe-core, and that nothing came from elsewhere; keeps a picture of it.
    #[track_caller]
    pub(crate) fn examine(&self, name: &str) {
        self.picture(name);
        let wide =
            self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth;");
        assert!(wide.as_i64().unwrap() <= 0, "{name} is {wide} px wider than the window");
        let foreign = self.run(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)
                .filter((name) => !name.startsWith(location.origin + '/'));",
        );
        assert_eq!(foreign, json!([]), "{name} loads from elsewhere");
        let axe = std::fs::read_to_string(installed("browser/node_modules/axe-core/axe.min.js")).unwrap();
        self.run(&format!("{axe}; window.axe = axe;"));
        let script = "const done = arguments[0];
            axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
                .then((result) => done({
                    rules: result.passes.length,
                    violations: result.violations.map((one) =>
                        one.id + ': ' + one.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; ')),
                }), (error) => done({ rules: 0, violations: [String(error)] }));";
        let result = self.wait(self.driver().execute_async(script, vec![])).json().clone();
        assert_eq!(result["violations"], json!([]), "{name}");
        assert!(
            result["rules"].as_u64().unwrap() > 15,
            "axe checked only {} rules on {name}",
            result["rules"]
        );
    }

    /// Keeps a picture of the whole page.
    pub(crate) fn picture(&self, name: &str) {
        let folder = root().join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let parameters = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.protocol("Page.captureScreenshot", parameters);
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            picture["data"].as_str().unwrap(),
        );
        std::fs::write(folder.join(format!("{name}.png")), bytes.unwrap()).unwrap();
    }
}

/// The program needs a moment until it listens.
async fn connect(address: &str, wanted: &thirtyfour::ChromeCapabilities) -> WebDriver {
    let began = Instant::now();
    loop {
        match WebDriver::new(address, wanted.clone()).await {
            Ok(driver) => return driver,
            Err(error) => assert!(began.elapsed() < PATIENCE, "no browser: {error}"),
        }
        tokio::task::yield_now().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            // A browser that has gone needs no end.
            let _ended = self.runtime.block_on(driver.quit());
        }
        let _killed = self.program.kill();
        let _status = self.program.wait();
    }
}
