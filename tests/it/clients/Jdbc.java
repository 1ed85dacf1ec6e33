// pgJDBC, which connects by TCP, and reads the password file that PGPASSFILE names.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

class Jdbc {
    static Connection connect(String user) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        String password = System.getenv("PGPASSWORD");
        if (password != null) {
            properties.setProperty("password", password);
        }
        String url = String.format(
                "jdbc:postgresql://%s:%s/%s",
                System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE"));
        return DriverManager.getConnection(url, properties);
    }

    static String who(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select current_user || '|' || current_database()")) {
            rows.next();
            return rows.getString(1);
        }
    }

    public static void main(String[] words) throws Exception {
        String user = System.getenv("PGUSER");
        Connection connection = connect(user);
        System.out.println("who: " + who(connection));
        try (PreparedStatement statement = connection.prepareStatement("select ?::int + 1, ?::text")) {
            statement.setInt(1, 41);
            statement.setString(2, "é");
            ResultSet rows = statement.executeQuery();
            rows.next();
            System.out.println("parameters: " + rows.getInt(1) + " " + rows.getString(2));
        }
        try (Statement statement = connection.createStatement()) {
            Thread canceller = new Thread(() -> {
                try {
                    Thread.sleep(500);
                    statement.cancel();
                } catch (Exception error) {
                    System.out.println("cancel: " + error);
                }
            });
            canceller.start();
            statement.execute("select pg_sleep(20)");
        } catch (SQLException error) {
            System.out.println("cancelled: " + error.getSQLState());
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("select * from missing");
        } catch (SQLException error) {
            System.out.println("error: " + error.getSQLState());
        }
        try {
            connect(System.getenv("OTHER_ROLE"));
        } catch (SQLException error) {
            System.out.println("refused: " + error.getMessage().replaceFirst("^FATAL: ", ""));
        }
        System.out.println("ready");
        System.in.read();
        System.out.println("still: " + who(connection));
        System.out.println("again: " + who(connect(user)));
    }
}
