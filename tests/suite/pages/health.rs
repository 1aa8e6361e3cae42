//! `/livez` and `/readyz`: what a platform asks.

use crate::helpers::app::App;

#[tokio::test]
async fn a_running_program_is_alive_and_ready() {
    let app = App::spawn(&[]);

    assert_eq!(app.get("/livez").await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 200);
}
