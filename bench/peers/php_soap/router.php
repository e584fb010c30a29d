<?php
// PHP's SoapServer with the hub's own contract, behind PHP's own web server; folder and token in the environment.
// The records that a request asks for lie ready in a file of their own: no database is asked.
declare(strict_types=1);

final class Customers
{
    public function __construct(private string $folder, private string $token)
    {
    }

    public function Session(object $header): void
    {
        if (!hash_equals($this->token, (string) $header->token)) {
            throw new SoapFault('Client', 'no session');
        }
    }

    public function GetCustomers(object $asked): array
    {
        return ['customer' => $this->read('id-' . (is_array($asked->id) ? $asked->id[0] : $asked->id), 1)];
    }

    public function SearchCustomers(object $asked): array
    {
        $filter = is_array($asked->filter) ? $asked->filter[0] : $asked->filter;
        $value = is_array($filter->value) ? $filter->value[0] : $filter->value;
        return ['customer' => $this->read("{$filter->field}-{$value}", (int) $asked->limit), 'more' => false];
    }

    private function read(string $name, int $most): array
    {
        $file = $this->folder . '/' . basename($name) . '.json';
        $records = json_decode(file_get_contents($file), true, 512, JSON_THROW_ON_ERROR);
        return array_slice($records, 0, $most);
    }
}

$folder = getenv('SADDLEBAG_FOLDER');
$server = new SoapServer("$folder/customer.wsdl", ['soap_version' => SOAP_1_1, 'cache_wsdl' => WSDL_CACHE_MEMORY]);
$server->setObject(new Customers($folder, getenv('SADDLEBAG_TOKEN')));
$server->handle(file_get_contents('php://input'));
