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
)
