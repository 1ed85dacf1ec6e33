//! The answer to a request.

use http_body_util::Full;
use hyper::{StatusCode, header};
use serde_json::Value;

use super::HttpResponse;

/// A status, a content type and a body, and perhaps a redirect.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    body: String,
    location: Option<String>,
}

impl Reply {
    fn new(status: StatusCode, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            body,
            location: None,
        }
    }

    pub(super) fn json(body: &Value) -> Self {
        Self::error(StatusCode::OK, body)
    }

    pub(super) fn error(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(super) fn text(status: StatusCode, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.to_owned())
    }

    pub(super) fn html(body: &str) -> Self {
        Self::new(StatusCode::OK, "text/html; charset=utf-8", body.to_owned())
    }

    pub(super) fn redirect(location: String) -> Self {
        let mut reply = Self::new(
            StatusCode::FOUND,
            "text/plain; charset=utf-8",
            String::new(),
        );
        reply.location = Some(location);
        reply
    }

    pub(super) fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "the sandbox does not answer here\n")
    }
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> Self {
        let mut response = hyper::Response::builder()
            .status(reply.status)
            .header(header::CONTENT_TYPE, reply.content_type);
        if let Some(location) = reply.location {
            response = response.header(header::LOCATION, location);
        }
        response
            .body(Full::new(reply.body.into()))
            .expect("status and headers are valid")
    }
}
