"""Security hardness in Ruby."""

from pipelines.sample_data.change import BenchmarkChange, ChangeTemplate, MinedChange
from themis_common.taxonomy import Criterion, Language

TEMPLATES: tuple[ChangeTemplate, ...] = (
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.SECURITY_HARDNESS,
        name="controller-params",
        about="parameters reach SQL, a file path and mass assignment unchecked",
        path="app/controllers/${entities}_controller.rb",
        messages=(
            "Fix SQL injection in ${Entities}Controller\n\nBind the $text, permit only known attributes.",
            "Harden ${entities} controller: path traversal in download, mass assignment\n\nSecurity report "
            "by a $owner.",
            "Sanitize params of $entities (SQL injection, path traversal)",
        ),
        change=r"""
 # frozen_string_literal: true

 # Shows and changes $entities.
 class ${Entities}Controller < ApplicationController
   PER_PAGE = $page
-  FOLDER = 'public/$entities'
+  FOLDER = Rails.root.join('public', '$entities')

   def index
-    @$entities = ${Entity}.where("$text LIKE '%#{params[:$text]}%'").limit(PER_PAGE)
+    pattern = "%#{${Entity}.sanitize_sql_like(params[:$text].to_s)}%"
+    @$entities = ${Entity}.where('$text LIKE ?', pattern).limit(PER_PAGE)
   end

   def create
-    @$entity = ${Entity}.new(params[:$entity].to_unsafe_h)
+    @$entity = ${Entity}.new(${entity}_params)
     @$entity.$owner = current_$owner
     @$entity.save!
     redirect_to @$entity
   end

   def download
-    send_file "#{FOLDER}/#{params[:name]}"
+    name = File.basename(params[:name].to_s)
+    send_file FOLDER.join(name), disposition: 'attachment'
   end

   private

   $surrounding

+  def ${entity}_params
+    params.require(:$entity).permit(:$text, :$amount)
+  end
+
   def current_$owner
     @current_$owner ||= ${Owner}.find(session[:${owner}_id])
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.SECURITY_HARDNESS,
        name="eval-and-send",
        about="formulas are evaluated as code, any method can be called, YAML makes objects, HTML is not escaped",
        path="app/services/${entity}_formula.rb",
        messages=(
            "Fix remote code execution in ${Entity}Formula\n\nNo eval, no send, safe YAML. Escape html of what a "
            "$owner typed.",
            "Harden ${Entity}Formula: allow listed fields only, escape output (XSS)",
            "Security: do not eval formulas of $entities",
        ),
        change=r"""
 # frozen_string_literal: true

+require 'cgi'
+require 'strscan'
 require 'yaml'

 # Formulas that a $owner writes about $entities.
 class ${Entity}Formula
+  FIELDS = %w[$text $amount].freeze
+
   def initialize($entity)
     @$entity = $entity
   end

   $surrounding

   # The value of a sum such as "3 + 4 - 1".
   def evaluate(formula)
-    eval(formula)
+    scanner = StringScanner.new(formula)
+    total = 0
+    total += scanner[1].delete(' ').to_i while scanner.scan(/\s*([+-]?\s*\d+)/)
+    raise ArgumentError, 'only sums of numbers' unless scanner.scan(/\s*\z/)
+
+    total
   end

   # The value of a field.
   def field(name)
-    @$entity.send(name)
+    raise ArgumentError, "unknown field #{name}" unless FIELDS.include?(name)
+
+    @$entity.public_send(name)
   end

   # Settings that were uploaded.
   def settings(text)
-    YAML.load(text)
+    YAML.safe_load(text, permitted_classes: [])
   end

   # The line for the page of the $owner.
   def to_html
-    "<li title='#{@$entity.$text}'>#{@$entity.$amount}</li>"
+    "<li title='#{CGI.escapeHTML(@$entity.$text)}'>#{CGI.escapeHTML(@$entity.$amount.to_s)}</li>"
   end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.SECURITY_HARDNESS,
        name="marshal-and-backticks",
        about="Marshal.load and a shell on data of users, MD5 for passwords",
        instruction=(
            "Write a Ruby module for backups of ${entities}: `restore(text)` reads $entities that a $owner "
            "uploads, "
            "`pack(name)` makes a zip file of the folder with that name and returns the output of zip, and "
            "`digest(password, salt)` returns what is stored for a password."
        ),
        change=r"""
 # frozen_string_literal: true

-require 'base64'
-require 'digest'
+require 'json'
+require 'open3'
+require 'openssl'

 # Backups of $entities, made and restored by the $owner.
 module ${Entity}Backup
   module_function

+  NAME = /\A[a-z0-9_]+\z/i
+  ITERATIONS = 600_000
+
   $surrounding

   # The $entities of an upload.
   def restore(text)
-    Marshal.load(Base64.decode64(text))
+    $entities = JSON.parse(text, symbolize_names: true)
+    raise ArgumentError, 'expected a list of $entities' unless $entities.is_a?(Array)
+
+    $entities
   end

   # Packs the folder of that name.
   def pack(name)
-    `zip -r backups/#{name}.zip $entities/#{name}`
+    raise ArgumentError, "not a folder of $entities: #{name}" unless NAME.match?(name)
+
+    output, _status = Open3.capture2('zip', '-r', "backups/#{name}.zip", "$entities/#{name}")
+    output
   end

   # What is stored in place of a password.
   def digest(password, salt)
-    Digest::MD5.hexdigest(salt + password)
+    options = { salt: salt, iterations: ITERATIONS, length: 32, hash: 'SHA256' }
+    OpenSSL::KDF.pbkdf2_hmac(password, **options).unpack1('H*')
   end
 end
""",
    ),
    MinedChange(
        language=Language.RUBY,
        criterion=Criterion.SECURITY_HARDNESS,
        name="download-links",
        about=(
            "SQL and a shell command are put together from parameters, keys come from rand and are "
            "compared with =="
        ),
        path="app/downloads/${entity}_download.rb",
        messages=(
            "Prevent SQL injection and command injection in $entity downloads",
            "Harden downloads of $entities\n\nSecureRandom for keys, secure compare, no shell. Found in "
            "the security review of the $owner.",
        ),
        change=r"""
 # frozen_string_literal: true

+require 'open3'
+require 'openssl'
+require 'securerandom'
+
 # Downloads of $entities for a $owner.
 class ${Entity}Download
   def initialize(db)
     @db = db
   end

   $surrounding

   # The row of a download.
   def $fetch(name)
-    @db.execute("SELECT * FROM downloads WHERE name = '#{name}' LIMIT 1").first
+    @db.execute('SELECT * FROM downloads WHERE name = ? LIMIT 1', [name]).first
   end

   # A key that opens a download.
   def new_key
-    letters = ('a'..'z').to_a + ('0'..'9').to_a
-    key = ''
-    $size.times { key += letters[rand(letters.size)] }
-    key
+    SecureRandom.hex($size)
   end

   # Whether the key is right.
   def opens?(given, expected)
-    given == expected
+    OpenSSL.secure_compare(given, expected)
   end

   # The size of a file in kilobytes.
   def kilobytes(path)
-    `du -k #{path}`.split("\t").first.to_i
+    output, = Open3.capture2('du', '-k', '--', path)
+    output.to_i
   end
 end
""",
    ),
    BenchmarkChange(
        language=Language.RUBY,
        criterion=Criterion.SECURITY_HARDNESS,
        name="vote-box",
        about=(
            "a name goes into SQL, settings are loaded with YAML.load, ballots come from rand, a program "
            "runs in a shell"
        ),
        instruction=(
            "Write a Ruby class VoteBox over a database handle with `votes(name)` (rows of the table "
            "$entities by $text), `settings(text)`, which reads a YAML mapping, `ballot`, a new ballot key "
            "of $size bytes, and `print_list(path)`, which sends a file to lpr."
        ),
        change=r"""
 # frozen_string_literal: true

+require 'securerandom'
 require 'yaml'

 # Votes on $entities.
 class VoteBox
   def initialize(db)
     @db = db
   end

   $surrounding

   # The votes for a $text.
   def votes(name)
-    @db.execute("SELECT * FROM $entities WHERE $text = '" + name + "'")
+    @db.execute('SELECT * FROM $entities WHERE $text = ?', [name])
   end

   # The settings of the $owner.
   def settings(text)
-    YAML.load(text)
+    YAML.safe_load(text)
   end

   # A key for one ballot.
   def ballot
-    bytes = []
-    $size.times { bytes << rand(256) }
-    bytes.map { |byte| byte.to_s(16).rjust(2, '0') }.join
+    SecureRandom.hex($size)
   end

   # Print a list of $entities.
   def print_list(path)
-    system("lpr -P office #{path}")
+    system('lpr', '-P', 'office', '--', path)
   end
 end
""",
    ),
)
