<?php
// PHP's SoapClient as a partner's program: one step, told by JSON on standard input, its decoded answer as JSON.
//
// input  {"step", "base", "ca", "version", "user", "password", "token", "id", "number", "name"}

$given = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
$types = 'urn:saddlebag:types:v1';

function client(array $given, string $service): SoapClient
{
    return new SoapClient("{$given['base']}/$service/v1?wsdl", [
        'soap_version' => $given['version'] === '1.2' ? SOAP_1_2 : SOAP_1_1,
        'stream_context' => stream_context_create(['ssl' => ['cafile' => $given['ca']]]),
        'cache_wsdl' => WSDL_CACHE_NONE,
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    ]);
}

function session(array $given, string $types): array
{
    return [new SoapHeader($types, 'Session', ['token' => $given['token']])];
}

function call(array $given, string $types, string $service, string $operation, array $request): object
{
    return client($given, $service)->__soapCall($operation, [$request], null, session($given, $types));
}

function step(array $given, string $types): mixed
{
    switch ($given['step']) {
        case 'login':
            return client($given, 'session')->Login(['user' => $given['user'], 'password' => $given['password']]);
        case 'get':
            return call($given, $types, 'customer', 'GetCustomers', ['id' => [$given['id'], 'no-such-customer']]);
        case 'search':
            $filter = [['field' => 'number', 'op' => 'eq', 'value' => [$given['number']]]];
            return call($given, $types, 'customer', 'SearchCustomers', ['filter' => $filter, 'limit' => 10]);
        case 'upsert':
            $record = ['id' => $given['id'], 'name' => $given['name'], 'segments' => ['key', 'växt']];
            return call($given, $types, 'customer', 'UpsertCustomers', ['customer' => [$record]]);
        case 'fault':
            try {
                $filter = [['field' => 'nosuchfield', 'op' => 'eq', 'value' => ['1']]];
                call($given, $types, 'customer', 'SearchCustomers', ['filter' => $filter]);
            } catch (SoapFault $fault) {
                return ['faultcode' => $fault->faultcode, 'detail' => $fault->detail->SaddlebagFault];
            }
    }
    throw new RuntimeException("the step {$given['step']} brought no answer");
}

try {
    echo json_encode(step($given, $types), JSON_THROW_ON_ERROR);
} catch (Throwable $problem) {
    fwrite(STDERR, get_class($problem) . ': ' . $problem->getMessage() . "\n");
    exit(1);
}
