//! Formats the list of servers as a table that fits the terminal.

use crate::plain_text::clean;

use super::server::Server;

const GAP: usize = 2;

/// The least width of a column that is cut.
const NARROWEST: usize = 8;

struct Column {
    title: &'static str,
    cells: Vec<String>,
    /// Columns of a higher rank are left out first.
    rank: u8,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| cell.chars().count());
        cells.chain([self.title.len()]).max().unwrap_or_default()
    }
}

/// Returns the table, whose lines have at most `width` columns.
pub fn table(servers: &[Server], width: usize) -> String {
    let mut columns = columns(servers);
    let total = |columns: &[Column]| {
        let widths = columns.iter().map(|column| column.width() + GAP);
        widths.sum::<usize>().saturating_sub(GAP)
    };
    while total(&columns) > width
        && let Some(last) = columns.iter().map(|column| column.rank).max()
        && last > 0
    {
        columns.retain(|column| column.rank != last);
    }
    let mut widths: Vec<usize> = columns.iter().map(Column::width).collect();
    // Only name and host may be longer than the line now.
    let mut surplus = total(&columns).saturating_sub(width);
    while surplus > 0
        && let Some(widest) = widths.iter_mut().max()
        && *widest > NARROWEST
    {
        *widest -= 1;
        surplus -= 1;
    }
    let titles = columns.iter().map(|column| column.title);
    let mut lines = vec![line(titles, &widths)];
    for at in 0..servers.len() {
        let cells = columns.iter().map(|column| column.cells[at].as_str());
        lines.push(line(cells, &widths));
    }
    lines.join("\n")
}

fn columns(servers: &[Server]) -> Vec<Column> {
    type Cell = fn(&Server) -> &str;
    let all: [(&'static str, u8, Cell); 8] = [
        ("NAME", 0, |server| &server.name),
        ("ENTRA", 1, |server| match server.entra {
            Some(true) => "on",
            Some(false) => "OFF",
            None => "?",
        }),
        ("STATE", 2, |server| &server.state),
        ("VERSION", 4, |server| &server.version),
        ("REGION", 3, |server| &server.region),
        ("HOST", 0, |server| &server.host),
        ("SUBSCRIPTION", 5, |server| &server.subscription),
        ("TENANT", 6, |server| {
            server.tenant.as_deref().unwrap_or_default()
        }),
    ];
    all.into_iter()
        .map(|(title, rank, cell)| Column {
            title,
            cells: servers.iter().map(|server| clean(cell(server))).collect(),
            rank,
        })
        .collect()
}

fn line<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
    let cells = cells.zip(widths).map(|(cell, &width)| {
        let cell = cut(cell, width);
        format!("{cell:width$}")
    });
    let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    line.trim_end().to_owned()
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let kept = cell.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_any_width() {
        let server = Server {
            name: "a-server-with-a-long-name\u{1b}[31m".to_owned(),
            host: "a-server-with-a-long-name.postgres.database.azure.com".to_owned(),
            region: "westeurope".to_owned(),
            version: "16".to_owned(),
            state: "Ready".to_owned(),
            entra: Some(false),
            tenant: Some("c0a51b7e-1b5c-4d3e-9f10-0a5a7d6b0001".to_owned()),
            subscription: "Contoso Production".to_owned(),
            subscription_id: String::new(),
        };
        let servers = [server];
        for width in [40, 80, 120, 200] {
            let table = table(&servers, width);
            assert!(!table.contains('\u{1b}'), "{table}");
            let longest = table.lines().map(|line| line.chars().count()).max();
            assert!(longest.is_some_and(|longest| longest <= width), "{table}");
        }
        assert!(table(&servers, 200).contains("c0a51b7e"));
        assert!(table(&servers, 40).contains('…'));
    }
}
