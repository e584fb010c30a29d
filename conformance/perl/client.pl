#!/usr/bin/perl
# SOAP::Lite as a partner's program: client.pl BASE VERSION CA, then one call a line on standard input, its decoded
# answer a line on standard output, both JSON as ../foreign.py tells; a request comes as pairs, since SOAP::Lite knows
# nothing of a document/literal schema and has to be told each element's place and namespace. Its decoder is the one it
# has for such messages: elements become a hash, elements of one name a list.

use strict;
use warnings;
use JSON::PP;
use MIME::Base64 ();
use SOAP::Lite;

my ($base, $version, $ca) = @ARGV;
my $TYPES = 'urn:saddlebag:types:v1';
my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %made;
$| = 1;

sub client {
    my ($service, $namespace) = @_;
    return $made{$service} //= do {
        my $client = SOAP::Lite->soapversion($version)->default_ns($namespace)->autotype(0)->readable(0);
        $client->serializer->encodingStyle('');  # SOAP 1.2 forbids it on an Envelope
        $client->on_action(sub { "$_[0]/$_[1]" });
        $client->proxy("$base/$service/v1", timeout => 120, ssl_opts => { SSL_ca_file => $ca, verify_hostname => 1 });
        $client->on_fault(sub { $_[1] });
        $client;
    };
}

sub data {
    my ($name, $namespace, $value) = @{ $_[0] };
    my $data = SOAP::Data->name($name)->uri($namespace)->prefix($namespace eq $TYPES ? 't' : 'm');
    return $data->value(\SOAP::Data->value(map { data($_) } @$value)) if ref $value eq 'ARRAY';
    my $bytes = ref $value eq 'HASH' && $value->{base64};
    return $data->type('base64Binary')->value(MIME::Base64::decode_base64($bytes)) if $bytes;
    return $data->value(undef) if ref $value eq 'HASH';
    return $data->value($value ? 'true' : 'false') if JSON::PP::is_bool($value);
    return $data->type('string')->value($value);
}

sub header {
    my ($name, $block) = @_;
    my @members = map { data([$_, $TYPES, $block->{$_}]) } sort keys %$block;
    return SOAP::Header->name($name)->uri($TYPES)->prefix('t')->value(\SOAP::Data->value(@members));
}

sub play {
    my ($call) = @_;
    my @members = map { data($_) } @{ $call->{request}[2] };
    my @headers = map { header($_, $call->{headers}{$_}) } sort keys %{ $call->{headers} };
    my $method = SOAP::Data->name($call->{operation})->attr({ xmlns => $call->{namespace} });
    my $som = client($call->{service}, $call->{namespace})->call($method, @headers, @members);
    return { answer => undef } if !ref $som;    # one-way
    if ($som->fault) {
        my $code = $version eq '1.2' ? $som->fault->{Code}{Value} : $som->faultcode;
        my $detail = $version eq '1.2' ? $som->fault->{Detail} : $som->faultdetail;
        return { fault => { code => $code, detail => $detail->{SaddlebagFault} } };
    }
    my $answer = $som->body->{"$call->{operation}Response"};
    return { answer => $answer };
}

while (my $line = <STDIN>) {
    my $answer = eval { play($json->decode($line)) } // { error => "$@" };
    print $json->encode($answer), "\n";
}
