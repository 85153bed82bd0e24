//! From values to pages: templates, the two languages, and how numbers and times are written.

use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

use super::session::SignedIn;
use super::words;
use crate::api::Problem;
use crate::domain::Micros;

const LANGUAGE_COOKIE: &str = "parcours_lang";

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // A word or a value that is missing is a fault to be seen in tests, not a gap on a page.
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in [
        ("base.html", include_str!("templates/base.html")),
        ("error.html", include_str!("templates/error.html")),
        ("jobs.html", include_str!("templates/jobs.html")),
        ("models.html", include_str!("templates/models.html")),
        ("overview.html", include_str!("templates/overview.html")),
        ("quarantine.html", include_str!("templates/quarantine.html")),
        ("rights.html", include_str!("templates/rights.html")),
        ("sign_in.html", include_str!("templates/sign_in.html")),
    ] {
        if let Err(error) = templates.add_template(name, source) {
            tracing::error!(name, %error, "a template cannot be read");
        }
    }
    templates
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    En,
    Fr,
}

impl Lang {
    /// Chosen by `?lang=`, else by cookie, else by the browser.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Self {
        let chosen = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("lang=")).map(str::to_string));
        let asked = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok().map(str::to_string);
        match chosen.or_else(|| cookie_value(headers, LANGUAGE_COOKIE)).or_else(asked) {
            Some(language) if language.starts_with("fr") => Self::Fr,
            _ => Self::En,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }
}

pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_string())
}

/// A page of somebody signed in. `here` is the navigation's entry.
pub fn page(by: &SignedIn, template: &str, here: &str, mut values: Value) -> Response {
    values["csrf"] = json!(by.csrf);
    values["tenant"] = json!(by.caller.tenant);
    values["signed_in"] = json!(true);
    render(StatusCode::OK, by.lang, template, here, values)
}

/// Any page.
pub fn render(status: StatusCode, lang: Lang, template: &str, here: &str, mut values: Value) -> Response {
    values["t"] = words::all(lang);
    values["lang"] = json!(lang.code());
    values["here"] = json!(here);
    for missing in ["csrf", "tenant", "done", "problem"] {
        if values.get(missing).is_none() {
            values[missing] = Value::Null;
        }
    }
    if values.get("signed_in").is_none() {
        values["signed_in"] = json!(false);
    }
    let done = values["done"].as_str().map(|code| words::word(lang, &format!("done_{code}")).unwrap_or_default());
    values["done"] = json!(done);
    let text = TEMPLATES.get_template(template).and_then(|page| page.render(minijinja::Value::from(minijinja::value::Serde(&values))));
    let mut response = match text {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(template, error = %format_args!("{error:#}"), "a page cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    let cookie = format!("{LANGUAGE_COOKIE}={}; Path=/console; SameSite=Strict; Max-Age=31536000", lang.code());
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A page that says what failed.
pub fn failed(problem: &Problem) -> Response {
    problem.log();
    render(problem.status(), Lang::En, "error.html", "", json!({ "detail": problem.detail() }))
}

pub fn refused(why: &str) -> Response {
    render(StatusCode::FORBIDDEN, Lang::En, "error.html", "", json!({ "detail": why }))
}

/// A [`Problem`] on its way to a page.
pub struct Failure(Problem);

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        failed(&self.0)
    }
}

/// "2026-11-22 23:40": UTC, as the foot of each page says.
pub fn time(at: Micros) -> String {
    at.to_datetime().format("%Y-%m-%d %H:%M").to_string()
}

/// "1 234 567", in narrow no-break spaces, as both languages may read it.
pub fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "−" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!((number(0), number(999), number(-1000)), ("0".into(), "999".into(), "−1\u{202f}000".into()));
    }

    #[test]
    fn a_language_is_chosen_by_address_then_cookie_then_browser() {
        let mut headers = HeaderMap::new();
        assert_eq!(Lang::of(&headers, None), Lang::En);
        headers.insert(header::ACCEPT_LANGUAGE, "fr-CH, en;q=0.5".parse().unwrap());
        assert_eq!(Lang::of(&headers, None), Lang::Fr);
        headers.insert(header::COOKIE, "a=b; parcours_lang=en".parse().unwrap());
        assert_eq!(Lang::of(&headers, None), Lang::En);
        assert_eq!(Lang::of(&headers, Some("lang=fr")), Lang::Fr);
    }
}
