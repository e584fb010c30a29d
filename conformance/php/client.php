<?php
// PHP's SoapClient as a partner's program: client.php BASE VERSION CA, then one call a line on standard input, its
// decoded answer a line on standard output, both JSON as ../foreign.py tells. SoapClient gives bytes and text alike as
// strings, so each goes out as code points of its bytes, and "bytes" says so.

[, $base, $version, $ca] = $argv;
const TYPES = 'urn:saddlebag:types:v1';

function client(string $base, string $version, string $ca, string $service): SoapClient
{
    static $made = [];
    return $made[$service] ??= new SoapClient("$base/$service/v1?wsdl", [
        'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
        'stream_context' => stream_context_create(['ssl' => ['cafile' => $ca]]),
        'cache_wsdl' => WSDL_CACHE_NONE,
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    ]);
}

function given(mixed $value): mixed
{
    if (!is_array($value)) {
        return $value;
    }
    if (array_keys($value) === ['base64']) {
        return base64_decode($value['base64'], true);
    }
    return array_map('given', $value);
}

function told(mixed $value): mixed
{
    if (is_string($value)) {
        return iconv('ISO-8859-1', 'UTF-8', $value);
    }
    if (is_object($value)) {
        return (object) array_map('told', get_object_vars($value));
    }
    return is_array($value) ? array_map('told', $value) : $value;
}

function play(SoapClient $client, array $call): array
{
    $headers = [];
    foreach ($call['headers'] as $name => $block) {
        $headers[] = new SoapHeader(TYPES, $name, given($block));
    }
    try {
        $answer = $client->__soapCall($call['operation'], [given($call['request'])], null, $headers);
        return ['answer' => told($answer), 'bytes' => true];
    } catch (SoapFault $fault) {
        if (!isset($fault->detail->SaddlebagFault)) {
            return ['error' => "{$fault->faultcode}: {$fault->getMessage()}"];
        }
        $detail = told($fault->detail->SaddlebagFault);
        return ['fault' => ['code' => $fault->faultcode, 'detail' => $detail], 'bytes' => true];
    }
}

while (($line = fgets(STDIN)) !== false) {
    try {
        $call = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
        $answer = play(client($base, $version, $ca, $call['service']), $call);
    } catch (Throwable $problem) {
        $answer = ['error' => get_class($problem) . ': ' . $problem->getMessage()];
    }
    echo json_encode($answer, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION), "\n";
    flush();
}
