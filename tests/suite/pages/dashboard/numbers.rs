//! The numbers of a graph, as a file and as a table.

use crate::helpers::app::App;

#[tokio::test]
async fn the_csv_has_the_same_numbers() {
    let app = App::spawn(&[]);

    let daily = app.get("/graphs/daily.csv?origin=ATL&metric=p90").await;
    let bins = app.get("/graphs/distribution.csv?origin=ATL").await;
    let rhythm = app.get("/graphs/rhythm.csv?origin=ATL&metric=median").await;
    let destinations = app.get("/graphs/destinations.csv?origin=ATL").await;

    assert!(daily.text().starts_with("date,flights,p90,p90_7d\n2001-01-01,"));
    assert!(daily.text().contains("\n2001-03-15,698,49.0,"));
    assert!(bins.text().contains("\n15,20,5999\n"));
    assert!(rhythm.text().contains("\n1,3,0,\n"));
    assert!(rhythm.text().contains("\n5,17,1357,7.0\n"));
    assert!(destinations.text().contains("\nBOS,"));
    assert_eq!(destinations.header("content-type"), "text/csv; charset=utf-8");
}

#[tokio::test]
async fn the_table_has_rounded_numbers() {
    let app = App::spawn(&[]);

    let table = app.get("/graphs/destinations/table?origin=ATL").await;

    assert_eq!(table.status, 200);
    let row = table.text().split("<tr>").find(|row| row.contains(">BOS<")).unwrap();
    assert!(row.contains("<td>946</td><td>2,392</td><td>13.2</td><td>5</td><td>49</td>"), "{row}");
}
