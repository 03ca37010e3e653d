//! What everybody sees of a dataset's tables: as much as its publisher allows, of releases that are delivered.

use super::releases::import;
use super::support::Gateway;
use super::support::api::Program;
use super::support::gateway::{PROGRAM, STEWARD};

/// People, of whom one has a name that nobody else has.
fn people() -> String {
    let rows =
        (0..40).map(|n| format!("{},{},2026-01-{:02}\n", 20 + n % 30, if n % 4 == 0 { "M" } else { "F" }, 1 + n % 28));
    format!("Age,Sex,Seen\n{}95,Lin Mei-hua <b>,NA\n", rows.collect::<String>())
}

/// Says how much is shown, and imports.
fn show(gateway: &Gateway, description: &std::path::Path, level: &str) {
    let text = std::fs::read_to_string(description).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("preview = ")).map(|line| format!("{line}\n"));
    std::fs::write(description, format!("preview = \"{level}\"\n{}", lines.collect::<String>())).unwrap();
    import(gateway, description, &[]);
}

#[tokio::test]
async fn as_much_is_shown_as_the_publisher_allows() {
    let gateway = Gateway::start();
    let people = people();
    let files: [(&str, &[u8]); 2] = [("people.csv", people.as_bytes()), ("notes.txt", b"a,b\n1,2\n")];
    let description = gateway.publish("cohort", "approval", &files);
    let (visitor, nobody) = (gateway.visitor(), Program::new(&gateway.url, None));
    let tables = "/datasets/cohort/releases/1/tables";
    // Nothing is said until somebody says so.
    visitor.get("/datasets/cohort").await.is(200).says_not("Look inside");
    visitor.get(tables).await.is(404);
    assert_eq!(nobody.get(tables).await.is(200).json["items"].as_array().unwrap().len(), 0);

    show(&gateway, &description, "schema");
    let page = visitor.get("/datasets/cohort").await;
    page.is(200).says("Look inside").says("41 rows, 3 columns").says("Sex").says("whole number").says("date");
    page.says_not("median").says_not("Mei-hua").says_not("missing").says_not("notes.txt</bdi>");
    let said = nobody.get(tables).await;
    assert!(said.json.pointer("/items/0/columns/0/statistics").is_none(), "{:#}", said.json);

    show(&gateway, &description, "statistics");
    let page = visitor.get(tables).await;
    page.is(200).says("20 to 95, median 30").says("2026-01-01 to 2026-01-28").says("2.4% missing").says("“F” 73%");
    page.says_not("Mei-hua").says_not("First rows");
    let said = nobody.get(tables).await;
    let of = |pointer: &str| said.json.pointer(&format!("/items/0/columns/{pointer}")).cloned();
    assert_eq!(of("0/statistics/max").unwrap(), 95.0);
    assert_eq!(of("1/statistics/frequent/0/rows").unwrap(), 30);
    assert!(!said.json.to_string().contains("Mei-hua"), "one person's value is not named");
    assert_eq!(of("1/statistics/bins").unwrap(), serde_json::json!([30, 10]));

    show(&gateway, &description, "rows");
    visitor.get(tables).await.says("First rows").says("<td dir=\"auto\">2026-01-08</td>").says_not("2026-01-09</td>");
    assert_eq!(nobody.get(tables).await.json.pointer("/items/0/first_rows").unwrap().as_array().unwrap().len(), 8);
    for wrong in ["?table=0", "?table=2", "?table=18446744073709551615"] {
        visitor.get(&format!("{tables}{wrong}")).await.is(404);
    }
    visitor.get(&format!("{tables}?table=x")).await.is(400);
    // No file was delivered, and the log says who decided what is shown.
    assert_eq!(gateway.count("download.admitted"), 0);
    let levels: Vec<_> = gateway.events().iter().map(|line| line["event"]["details"]["preview"].clone()).collect();
    for level in ["schema", "statistics", "rows"] {
        assert!(levels.contains(&level.into()), "{level}");
    }
    gateway.verify_log();
}

#[tokio::test]
async fn nothing_is_shown_of_what_nobody_gets() {
    let gateway = Gateway::start();
    let description = gateway.publish("cohort", "open", &[("people.csv", people().as_bytes())]);
    show(&gateway, &description, "rows");
    let (visitor, steward) = (gateway.visitor(), gateway.person(STEWARD).await);
    let tables = |number: u32| format!("/datasets/cohort/releases/{number}/tables");
    visitor.get(&tables(1)).await.is(200).says("Sex");
    // Under embargo, then public.
    let second = description.parent().unwrap().join("second");
    std::fs::create_dir(&second).unwrap();
    std::fs::write(second.join("people.csv"), "Secret,Column\nx,2\n").unwrap();
    let text = std::fs::read_to_string(&description).unwrap().replace("root = \"files\"", "root = \"second\"");
    std::fs::write(&description, text).unwrap();
    import(&gateway, &description, &["--embargo-until", "2199-01-01"]);
    visitor.get(&tables(2)).await.is(404).says_not("Secret");
    visitor.get("/datasets/cohort").await.says("Sex").says_not("Secret");
    assert!(gateway.cli(&["dataset", "embargo", "cohort", "2", "--end"]).status.success());
    visitor.get(&tables(2)).await.is(200).says("Secret");
    visitor.get("/datasets/cohort").await.says("Secret");
    // Nor of the one before: what its publisher changed may be why.
    visitor.get(&tables(1)).await.is(404).says_not("Sex");
    // While nothing is delivered, nothing is shown.
    let suspension = "/manage/datasets/cohort/suspension";
    steward.post(suspension, &[("do", "suspend"), ("reason", "A question.")]).await.is(200);
    visitor.get(&tables(2)).await.is(404);
    visitor.get("/datasets/cohort").await.is(200).says_not("Secret");
    steward.post(suspension, &[("do", "restore")]).await.is(200);
    visitor.get(&tables(2)).await.is(200);
    // What was withdrawn is shown no more; the one before it is current again.
    let withdrawn = gateway.cli(&["dataset", "withdraw", "cohort", "2", "--reason", "Wrong columns."]);
    assert!(withdrawn.status.success(), "{}", String::from_utf8_lossy(&withdrawn.stderr));
    visitor.get(&tables(2)).await.is(404).says_not("Secret");
    visitor.get("/datasets/cohort").await.says("Sex").says_not("Secret");
    gateway.verify_log();
}

/// A grey square.
fn square() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 300, 300);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![90; 300 * 300]).unwrap();
    writer.finish().unwrap();
    bytes
}

#[tokio::test]
async fn pictures_are_shown_small_where_rows_are() {
    let gateway = Gateway::start();
    let square = square();
    let files: [(&str, &[u8]); 3] = [("a/one.png", &square), ("b.png", b"no picture"), ("c.txt", b"text")];
    let description = gateway.publish("scans", "approval", &files);
    let (visitor, nobody) = (gateway.visitor(), Program::new(&gateway.url, None));
    let (small, list) = ("/datasets/scans/releases/1/pictures/0.jpg", "/datasets/scans/releases/1/pictures");
    show(&gateway, &description, "statistics");
    visitor.get(small).await.is(404);
    visitor.get("/datasets/scans").await.says_not("Contact sheet");
    assert!(nobody.get(list).await.json["items"].as_array().unwrap().is_empty());
    show(&gateway, &description, "rows");
    visitor
        .get("/datasets/scans")
        .await
        .says("Contact sheet")
        .says(small)
        .says("title=\"a/one.png\"")
        .says_not("b.png</bdi>");
    let said = nobody.get(list).await;
    assert_eq!((said.text("/items/0/path"), said.json["items"].as_array().unwrap().len()), ("a/one.png", 1));
    let (status, bytes) = visitor.bytes(said.text("/items/0/small")).await;
    assert_eq!((status.as_u16(), &bytes[..3]), (200, &b"\xff\xd8\xff"[..]));
    assert!(bytes.len() < 4_000, "{}", bytes.len());
    visitor.get("/datasets/scans/releases/1/pictures/1.jpg").await.is(404);
    visitor.get("/datasets/scans/releases/1/pictures/x.jpg").await.is(404);
    assert_eq!(gateway.count("download.admitted"), 0);
}

#[tokio::test]
async fn the_readme_is_shown_to_readers_of_its_language() {
    let gateway = Gateway::start();
    let english = "# About these scans\n\nSee [the notes](notes/a.md) and [us](https://example.org).\n\n\
        ![chest](x.png)\n\n<script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    let chinese = "# 關於這些影像\n\n說明在此。\n";
    let files: [(&str, &[u8]); 5] = [
        ("README.md", english.as_bytes()),
        ("README.zh-TW.md", chinese.as_bytes()),
        ("a/README.md", b"of a folder"),
        ("readme.txt", b"\x89PNG\r\n\x1a\n\0"),
        ("scan.txt", b"x"),
    ];
    let description = gateway.publish("scans", "approval", &files);
    let (visitor, nobody) = (gateway.visitor(), Program::new(&gateway.url, None));
    let (page, list) = ("/datasets/scans", "/datasets/scans/releases/1/readmes");
    visitor.get(page).await.is(200).says_not("About these scans");
    assert!(nobody.get(list).await.json["items"].as_array().unwrap().is_empty());
    show(&gateway, &description, "schema");
    let shown = visitor.get(page).await;
    shown.is(200).says("About these scans</h3>").says("href=\"https://example.org\"").says("aria-label=\"Table 1\"");
    shown
        .says_not("alert(1)")
        .says_not("notes/a.md")
        .says_not("x.png")
        .says_not("of a folder")
        .says_not("關於這些影像");
    visitor.get("/language/zh-TW").await;
    visitor
        .get(page)
        .await
        .says("<div class=\"sheet prose\" lang=\"zh-TW\"")
        .says("關於這些影像")
        .says_not("About these");
    let said = nobody.get(list).await;
    assert_eq!(said.text("/items/0/text"), english);
    assert_eq!((said.text("/items/1/path"), said.text("/items/1/language")), ("README.zh-TW.md", "zh-TW"));
    assert_eq!(said.json["items"].as_array().unwrap().len(), 2);
    // A new release has its own; one that is no longer current shows none.
    std::fs::write(description.with_file_name("files").join("README.md"), "line <b>&\n".repeat(10_000)).unwrap();
    std::fs::remove_file(description.with_file_name("files").join("README.zh-TW.md")).unwrap();
    import(&gateway, &description, &[]);
    visitor.get(page).await.says("僅顯示檔案開頭").says_not("關於這些影像");
    assert!(nobody.get(list).await.json["items"].as_array().unwrap().is_empty());
    let said = nobody.get("/datasets/scans/releases/2/readmes").await;
    assert_eq!(said.json.pointer("/items/0/is_cut").unwrap(), true);
    assert!(said.text("/items/0/text").len() < 65_536);
    // While nothing is delivered, nothing is said.
    let steward = gateway.person(STEWARD).await;
    let suspend = [("do", "suspend"), ("reason", "A question.")];
    steward.post("/manage/datasets/scans/suspension", &suspend).await.is(200);
    visitor.get(page).await.is(200).says_not("僅顯示檔案開頭");
    assert!(nobody.get("/datasets/scans/releases/2/readmes").await.json["items"].as_array().unwrap().is_empty());
    assert_eq!(gateway.count("download.admitted"), 0);
}

/// Forty people of two sexes, as other programs write a table.
fn parquet_table() -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
    let schema = parquet::schema::parser::parse_message_type(
        "message people { REQUIRED INT32 Age; REQUIRED BYTE_ARRAY Sex (UTF8); }",
    );
    let mut bytes = Vec::new();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(
        &mut bytes,
        std::sync::Arc::new(schema.unwrap()),
        std::sync::Arc::default(),
    )
    .unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut ages = group.next_column().unwrap().unwrap();
    ages.typed::<Int32Type>().write_batch(&(20..60).collect::<Vec<_>>(), None, None).unwrap();
    ages.close().unwrap();
    let mut sexes = group.next_column().unwrap().unwrap();
    let values: Vec<ByteArray> = (0..40).map(|n| if n % 4 == 0 { "M".into() } else { "F".into() }).collect();
    sexes.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
    sexes.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[tokio::test]
async fn a_table_in_parquet_is_looked_into_like_one_in_text() {
    let gateway = Gateway::start();
    let (table, broken) = (parquet_table(), [&b"PAR1"[..], &[0xff; 60], b"PAR1"].concat());
    let files: [(&str, &[u8]); 2] = [("people.parquet", &table), ("broken.parquet", &broken)];
    let description = gateway.publish("cohort", "approval", &files);
    let (visitor, nobody) = (gateway.visitor(), Program::new(&gateway.url, None));
    show(&gateway, &description, "statistics");
    let page = visitor.get("/datasets/cohort").await;
    page.is(200)
        .says("people.parquet")
        .says("40 rows, 2 columns")
        .says("whole number")
        .says("20 to 59")
        .says("“F” 75%");
    page.says_not("First rows").says_not("broken.parquet</bdi>");
    show(&gateway, &description, "rows");
    visitor.get("/datasets/cohort/releases/1/tables").await.says("First rows").says("<td dir=\"auto\">27</td>");
    let said = nobody.get("/datasets/cohort/releases/1/tables").await;
    assert_eq!(said.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(said.json.pointer("/items/0/first_rows/7").unwrap(), &serde_json::json!(["27", "F"]));
}

/// A description that nests as deep as fits, in Thrift's compact form: a reader that descends into it needs as much stack.
fn nested(depth: usize) -> Vec<u8> {
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    let mut length = depth;
    while length > 0x7f {
        footer.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    footer.push(u8::try_from(length).unwrap());
    for n in 0..depth {
        // Of the outermost a name and a child; of the others also that they are required; of the innermost a type.
        footer.extend_from_slice(match n {
            0 => &[0x48, 0x00, 0x15, 0x02, 0x00],
            _ if n + 1 < depth => &[0x35, 0x00, 0x18, 0x00, 0x15, 0x02, 0x00],
            _ => &[0x15, 0x02, 0x25, 0x00, 0x18, 0x00, 0x00],
        });
    }
    footer.extend([0x16, 0x00, 0x19, 0x0c, 0x00]);
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [b"PAR1".as_slice(), &footer, &length, b"PAR1"].concat()
}

#[tokio::test]
async fn a_hostile_table_costs_its_own_preview_and_nothing_else() {
    let gateway = Gateway::start();
    let (table, deep) = (parquet_table(), nested(140_000));
    let mut files = vec![("deep.parquet".to_owned(), deep), ("people.parquet".to_owned(), table.clone())];
    // Every byte of a good one may be another: what it says of sizes and counts then is not so.
    let step = table.len() / 5;
    let changed = (0..4).map(|n| {
        let mut bytes = table.clone();
        bytes[4 + n * step] ^= 0xff;
        (format!("changed-{n}.parquet"), bytes)
    });
    files.extend(changed);
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let description = gateway.publish("cohort", "open", &files);
    show(&gateway, &description, "rows");
    let visitor = gateway.visitor();
    visitor
        .get("/datasets/cohort/releases/1/tables")
        .await
        .is(200)
        .says("people.parquet")
        .says_not("deep.parquet</bdi>");
    assert_eq!(visitor.bytes("/data/cohort/people.parquet").await.1, table);
}

#[test]
fn whatever_bytes_a_table_has_its_reader_ends() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let (table, mut random) = (parquet_table(), 0x9e37_79b9_7f4a_7c15_u64);
    let mut read = 0;
    for _ in 0..150 {
        let mut bytes = table.clone();
        for _ in 0..3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let place = usize::try_from(random % bytes.len() as u64).unwrap();
            bytes[place] = u8::try_from(random >> 56).unwrap();
        }
        let mut child = Command::new(PROGRAM)
            .args(["read-parquet", "values"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(&bytes);
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let columns = table["columns"].as_array().map(Vec::len);
            assert!(columns.is_none_or(|columns| columns <= 60));
            read += usize::from(columns.is_some());
        }
    }
    assert!(read > 10, "most changes are of values: {read}");
}
