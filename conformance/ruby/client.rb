# soap4r's WSDL driver as a partner's program: client.rb BASE WSDL-FOLDER, then one call a line on standard input, its
# decoded answer a line on standard output, both JSON as ../foreign.py tells. The authority comes by SSL_CERT_FILE.

require 'bigdecimal'
require 'date'
require 'json'
require 'soap/header/simplehandler'
require 'soap/wsdlDriver'

TYPES = 'urn:saddlebag:types:v1'.freeze

# One header block of the call that is made next.
class Block < SOAP::Header::SimpleHandler
  def initialize(name, members)
    super(XSD::QName.new(TYPES, name))
    @members = members.to_h { |member, value| [XSD::QName.new(TYPES, member), value.to_s] }
  end

  def on_simple_outbound
    @members
  end
end

def client(service)
  @made ||= {}
  @made[service] ||= SOAP::WSDLDriverFactory.new("#{ARGV[1]}/#{service}.wsdl").create_rpc_driver.tap do |driver|
    driver.endpoint_url = "#{ARGV[0]}/#{service}/v1"
  end
end

def given(value)
  case value
  when Array then value.map { |each| given(each) }
  when Hash
    return value['base64'].unpack1('m') if value.keys == ['base64']

    value.transform_values { |each| given(each) }
  else value
  end
end

def told(value)
  case value
  when SOAP::Mapping::Object then members(value)
  when Array then value.map { |each| told(each) }
  when DateTime, Time then value.iso8601(6)
  when Date then value.iso8601
  when BigDecimal then value.to_s('F')
  when true, false, nil then value
  else value.to_s.dup.force_encoding('UTF-8') # its decoder leaves base64Binary as text
  end
end

def members(value)
  value.__xmlele.each_with_object({}) { |(name, each), made| made[name.name] = told(each) }
end

def play(call)
  driver = client(call['service'])
  blocks = call['headers'].map { |name, block| Block.new(name, given(block)) }
  blocks.each { |each| driver.headerhandler << each }
  answer = begin
    driver.public_send(call['operation'], given(call['request']))
  ensure
    blocks.each { |each| driver.headerhandler.delete(each) }
  end
  { answer: answer.is_a?(SOAP::Mapping::Object) ? members(answer) : nil }
rescue SOAP::FaultError => e
  detail = e.detail.respond_to?(:saddlebagFault) ? e.detail.saddlebagFault : e.detail['SaddlebagFault']
  { fault: { code: e.faultcode.text.to_s, detail: told(detail) } }
end

$stdout.sync = true
$stdin.each_line do |line|
  answer = begin
    play(JSON.parse(line))
  rescue StandardError => e
    { error: "#{e.class}: #{e.message} #{e.backtrace.first(3)}" }
  end
  puts JSON.generate(answer)
end
