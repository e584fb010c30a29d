// The code that gSOAP makes of the WSDLs, as a partner's program: client BASE VERSION CA, then one call a line on
// standard input and one answer a line on standard output, as ../interop_gsoap.py writes and reads them: words apart by
// a blank, each but the first in hexadecimal.
//
//     SERVICE/OPERATION MESSAGE [NAME BLOCK]...    ->    answer MESSAGE | fault CODE DETAIL | error TEXT
//
// A message goes as XML through gSOAP's typed classes both ways: what they do not hold does not come out again.
// operations.h is made beside the generated code and lists OPERATION(...), ONE_WAY(...) and BLOCK(...).

#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "soapH.h"
#include "SessionSoap11.nsmap"

static std::string unhex(const std::string &text) {
    std::string made;
    for (size_t i = 0; i + 1 < text.size(); i += 2) made += (char)std::stoi(text.substr(i, 2), nullptr, 16);
    return made;
}

static std::string hex(const std::string &text) {
    static const char digits[] = "0123456789abcdef";
    std::string made;
    for (unsigned char each : text) { made += digits[each >> 4]; made += digits[each & 15]; }
    return made;
}

struct Failure { std::string said; };

static const soap_mode MODE = SOAP_C_UTFSTRING | SOAP_XML_TREE;

class Client {
public:
    Client(const std::string &base, const std::string &version, const char *authority)
        : base(base), wire(soap_new1(MODE | SOAP_IO_KEEPALIVE)), text(soap_new1(MODE)) {
        // The generated table is of SOAP 1.2, and every call begins with it anew, whatever soap_set_version said.
        for (const Namespace *each = namespaces; each->id; each++) table.push_back(*each);
        table.push_back(Namespace());
        if (version == "1.1") {
            table[0].ns = "http://schemas.xmlsoap.org/soap/envelope/";
            table[1].ns = "http://schemas.xmlsoap.org/soap/encoding/";
        }
        soap_set_namespaces(wire, table.data());
        soap_ssl_init();
        soap_ssl_client_context(wire, SOAP_SSL_DEFAULT, nullptr, nullptr, authority, nullptr, nullptr);
        wire->recv_timeout = wire->send_timeout = wire->connect_timeout = 120;
    }

    template <class T> T *read(const std::string &xml, int (*reader)(struct soap *, T *), T *into) {
        std::istringstream stream(xml);
        text->is = &stream;
        if (reader(text, into)) throw Failure{"the message does not fit gSOAP's classes: " + words(text)};
        text->is = nullptr;
        return into;
    }

    template <class Q, class R>
    std::string call(const std::string &service, const std::string &message, Q *request, R *response,
                     int (*reader)(struct soap *, Q *), int (*caller)(struct soap *, const char *, const char *, Q *, R &),
                     int (*writer)(struct soap *, R const *)) {
        read(message, reader, request);
        if (caller(wire, address(service).c_str(), nullptr, request, *response)) return failed();
        std::ostringstream stream;
        text->os = &stream;
        if (writer(text, response)) throw Failure{words(text)};
        text->os = nullptr;
        return "answer " + hex(stream.str());
    }

    template <class Q>
    std::string send(const std::string &service, const std::string &message, Q *request,
                     int (*reader)(struct soap *, Q *), int (*sender)(struct soap *, const char *, const char *, Q *)) {
        read(message, reader, request);
        if (sender(wire, address(service).c_str(), nullptr, request) || soap_recv_empty_response(wire)) return failed();
        return "answer ";
    }

    std::string play(const std::vector<std::string> &told);

    void forget() {
        for (struct soap *each : {wire, text}) { soap_destroy(each); soap_end(each); each->header = nullptr; }
    }

private:
    std::string address(const std::string &service) { return base + "/" + service + "/v1"; }

    static std::string words(struct soap *context) {
        std::ostringstream stream;
        soap_stream_fault(context, stream);
        return stream.str();
    }

    std::string failed() {
        SOAP_ENV__Fault *fault = wire->fault;
        SOAP_ENV__Detail *detail = !fault ? nullptr : fault->detail ? fault->detail : fault->SOAP_ENV__Detail;
        if (!detail || !detail->ns1__SaddlebagFault) throw Failure{words(wire)};
        std::ostringstream stream;
        text->os = &stream;
        soap_write_ns1__FaultDetail(text, detail->ns1__SaddlebagFault);
        text->os = nullptr;
        return "fault " + hex(*soap_faultcode(wire)) + " " + hex(stream.str());
    }

    std::string base;
    std::vector<Namespace> table;
    struct soap *wire;
    struct soap *text;
};

std::string Client::play(const std::vector<std::string> &told) {
    const std::string message = unhex(told.at(1));
    soap_header(wire);
    for (size_t i = 2; i + 1 < told.size(); i += 2) {
        const std::string name = told[i], xml = unhex(told[i + 1]);
#define BLOCK(NAME) \
        if (name == #NAME) wire->header->ns1__##NAME##_ = read(xml, soap_read_ns1__##NAME, soap_new_ns1__##NAME(text));
#define OPERATION(NS, SERVICE, NAME)
#define ONE_WAY(NS, SERVICE, NAME)
#include "operations.h"
#undef BLOCK
#undef OPERATION
#undef ONE_WAY
    }
#define BLOCK(NAME)
#define OPERATION(NS, SERVICE, NAME) \
    if (told[0] == #SERVICE "/" #NAME) \
        return call<_##NS##__##NAME, _##NS##__##NAME##Response>( \
            #SERVICE, message, soap_new__##NS##__##NAME(text), soap_new__##NS##__##NAME##Response(wire), \
            soap_read__##NS##__##NAME, soap_call___##NS##__##NAME, soap_write__##NS##__##NAME##Response);
#define ONE_WAY(NS, SERVICE, NAME) \
    if (told[0] == #SERVICE "/" #NAME) \
        return send<_##NS##__##NAME>( \
            #SERVICE, message, soap_new__##NS##__##NAME(text), soap_read__##NS##__##NAME, soap_send___##NS##__##NAME);
#include "operations.h"
    throw Failure{"gSOAP made nothing of " + told[0]};
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    Client client(argv[1], argv[2], *argv[3] ? argv[3] : nullptr);
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::vector<std::string> told;
        for (std::string word; words >> word;) told.push_back(word);
        std::string answer;
        try {
            answer = client.play(told);
        } catch (const Failure &problem) {
            answer = "error " + hex(problem.said);
        }
        client.forget();
        std::cout << answer << std::endl;
    }
}
