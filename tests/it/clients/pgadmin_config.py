# pgAdmin for one person on this machine, without questions, with everything in its home directory.
import os

SERVER_MODE = False
DATA_DIR = os.path.join(os.environ["HOME"], "pgadmin")
SQLITE_PATH = os.path.join(DATA_DIR, "pgadmin4.db")
LOG_FILE = os.path.join(DATA_DIR, "pgadmin4.log")
SESSION_DB_PATH = os.path.join(DATA_DIR, "sessions")
STORAGE_DIR = os.path.join(DATA_DIR, "storage")
DEFAULT_SERVER_PORT = int(os.environ["PGADMIN_PORT"])
MASTER_PASSWORD_REQUIRED = False
USE_OS_SECRET_STORAGE = False
UPGRADE_CHECK_ENABLED = False
