# Homebrew's formula. `fill` puts version, repository and checksums in at a release.
class EntraPsql < Formula
  desc "Run psql, signed in to Azure Database for PostgreSQL with Microsoft Entra ID"
  homepage "https://github.com/@REPOSITORY@"
  version "@NUMBER@"
  license "MIT"

  on_macos do
    on_arm do
      url "https://github.com/@REPOSITORY@/releases/download/@VERSION@/entra-psql-@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@SHA256:aarch64-apple-darwin@"
    end
    on_intel do
      url "https://github.com/@REPOSITORY@/releases/download/@VERSION@/entra-psql-@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@SHA256:x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/@REPOSITORY@/releases/download/@VERSION@/entra-psql-@VERSION@-aarch64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256:aarch64-unknown-linux-gnu@"
    end
    on_intel do
      url "https://github.com/@REPOSITORY@/releases/download/@VERSION@/entra-psql-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
      sha256 "@SHA256:x86_64-unknown-linux-gnu@"
    end
  end

  depends_on "libpq"

  def install
    bin.install "entra-psql"
    man1.install "entra-psql.1"
    bash_completion.install "completions/entra-psql.bash" => "entra-psql"
    zsh_completion.install "completions/_entra-psql"
    fish_completion.install "completions/entra-psql.fish"
  end

  test do
    assert_match "entra-psql #{version}", shell_output("#{bin}/entra-psql --version")
  end
end
