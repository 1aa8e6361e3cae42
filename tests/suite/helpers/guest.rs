//! A visitor of `/session` without a browser: the cookie is kept, the connection is not.

use super::answer::Answer;
use super::app::App;
use super::waiting::until_computed;

/// A visitor; any worker may answer, since each request has a connection of its own.
#[derive(Default, Clone)]
pub(crate) struct Guest {
    /// `name=value`, as it is sent.
    pub(crate) cookie: Option<String>,
    /// Whether the requests came by https to a proxy in front of the program.
    pub(crate) is_secure: bool,
}

impl Guest {
    /// A visitor who sends this cookie, which may be forged.
    pub(crate) fn with(cookie: &str) -> Self {
        Self { cookie: Some(cookie.to_owned()), is_secure: false }
    }

    /// Reads an address.
    pub(crate) async fn get(&mut self, app: &App, path: &str) -> Answer {
        self.send(app, "GET", path, &[]).await
    }

    /// Presses "Draw a new sample".
    pub(crate) async fn order(&mut self, app: &App, origin: &str, size: &str) -> Answer {
        self.send(app, "POST", &format!("/session?origin={origin}&size={size}"), &[]).await
    }

    /// Presses it, and waits for the sample.
    pub(crate) async fn draw(&mut self, app: &App, origin: &str, size: u32) -> Answer {
        let ordered = self.order(app, origin, &size.to_string()).await;
        assert_eq!(ordered.status, 202, "{}", ordered.text());
        self.signal(app).await
    }

    /// Asks for the sample until it has been drawn.
    pub(crate) async fn signal(&mut self, app: &App) -> Answer {
        until_computed(async || self.get(app, "/session/signal").await).await
    }

    /// Presses "Forget my data".
    pub(crate) async fn forget(&mut self, app: &App) -> Answer {
        self.send(app, "POST", "/session/forget", &[]).await
    }

    /// Sends any request, and keeps or drops the cookie as a browser would.
    pub(crate) async fn send(
        &mut self,
        app: &App,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let mut headers = vec![("HX-Request", "true"), ("Connection", "close")];
        headers.extend(self.cookie.as_deref().map(|cookie| ("Cookie", cookie)));
        if self.is_secure {
            headers.push(("X-Forwarded-Proto", "https"));
        }
        headers.extend(more);
        let answer = app.send(method, path, &headers).await;
        if let Some(set) = answer.headers.get("set-cookie") {
            let (pair, attributes) = set.to_str().unwrap().split_once("; ").unwrap();
            let is_removed = attributes.contains("Max-Age=0");
            self.cookie = (!is_removed).then(|| pair.to_owned());
        }
        answer
    }
}
