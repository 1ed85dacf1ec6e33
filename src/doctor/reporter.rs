//! Collects findings. As text, each is printed as soon as it is known; JSON is one document.

use crate::cli::Format;
use crate::failure::Failure;
use crate::system::{colour, terminal};

use super::finding::{Finding, Report};
use super::render;

pub struct Reporter {
    format: Format,
    has_colour: bool,
    report: Report,
    /// The result of printing so far.
    printed: Result<(), Failure>,
}

impl Reporter {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            has_colour: colour::is_wanted(&std::io::stdout()),
            report: Report::default(),
            printed: Ok(()),
        }
    }

    pub fn add(&mut self, finding: Finding) {
        if self.format == Format::Text {
            self.print(&render::line(&finding, self.has_colour));
        }
        self.report.findings.push(finding);
    }

    pub fn add_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.add(finding);
        }
    }

    /// Ends the report, and returns whether a sign-in works.
    pub fn end(mut self, variables: Vec<String>) -> Result<bool, Failure> {
        self.report.variables = variables;
        let end = match self.format {
            Format::Text => format!("\n{}", render::verdict(&self.report)),
            Format::Json => format!("{:#}", render::json(&self.report)),
        };
        self.print(&end);
        self.printed.map(|()| self.report.works())
    }

    fn print(&mut self, text: &str) {
        if self.printed.is_ok() {
            self.printed = terminal::print(text).map(drop);
        }
    }
}
