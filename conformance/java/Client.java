// The classes that JAX-WS RI's wsimport makes, as a partner's program: Client BASE VERSION CA WSDL-FOLDER, then one call
// a line on standard input and one answer a line on standard output, as in_words in ../foreign.py tells. A message goes
// through JAXB's generated classes both ways. Each service's classes lie in the package of its name, its methods are bare.

import com.sun.xml.ws.api.message.Header;
import com.sun.xml.ws.api.message.Headers;
import com.sun.xml.ws.developer.WSBindingProvider;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.xml.bind.JAXBContext;
import javax.xml.bind.JAXBElement;
import javax.xml.bind.Marshaller;
import javax.xml.namespace.QName;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.stream.StreamSource;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.Service;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;

public final class Client {
    private static final String TYPES = "urn:saddlebag:types:v1";
    private final String base;
    private final String version;
    private final File wsdls;
    private final Map<String, Object> ports = new HashMap<>();
    private final Map<Class<?>, JAXBContext> contexts = new HashMap<>();
    private String faultCode = "";

    private Client(String base, String version, File wsdls) {
        this.base = base;
        this.version = version;
        this.wsdls = wsdls;
    }

    public static void main(String[] args) throws Exception {
        if (!args[2].isEmpty()) {
            trust(args[2]);
        }
        Client client = new Client(args[0], args[1], new File(args[3]));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream output = new PrintStream(System.out, true);
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String answer;
            try {
                answer = client.play(line.split(" "));
            } catch (InvocationTargetException problem) {
                answer = "error " + hex(String.valueOf(problem.getCause()));
            } catch (Exception problem) {
                answer = "error " + hex(String.valueOf(problem));
            }
            output.println(answer);
        }
    }

    private static void trust(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = new FileInputStream(authority)) {
            store.setCertificateEntry("hub", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
    }

    private String play(String[] told) throws Exception {
        String service = told[0].substring(0, told[0].indexOf('/'));
        String operation = told[0].substring(service.length() + 1);
        Object port = port(service);
        List<Header> blocks = new ArrayList<>();
        for (int i = 2; i + 1 < told.length; i += 2) {
            blocks.add(Headers.create(dom(unhex(told[i + 1]))));
        }
        ((WSBindingProvider) port).setOutboundHeaders(blocks.toArray(new Header[0]));
        Method method = null;
        for (Method each : port.getClass().getInterfaces()[0].getMethods()) {
            if (each.getName().equalsIgnoreCase(operation) && each.getParameterCount() == 1) {
                method = each;
            }
        }
        if (method == null) {
            throw new IllegalStateException("wsimport made no method of " + told[0]);
        }
        Class<?> kind = method.getParameterTypes()[0];
        StreamSource source = new StreamSource(new StringReader(unhex(told[1])));
        Object request = context(kind).createUnmarshaller().unmarshal(source, kind).getValue();
        try {
            Object response = method.invoke(port, request);
            if (response == null) {
                return "answer ";
            }
            String name = operation + "Response";
            return "answer " + hex(xml(response, new QName("urn:saddlebag:" + service + ":v1", name)));
        } catch (InvocationTargetException problem) {
            Object info;
            try {
                info = problem.getCause().getClass().getMethod("getFaultInfo").invoke(problem.getCause());
            } catch (NoSuchMethodException untyped) {
                throw problem;
            }
            return "fault " + hex(faultCode) + " " + hex(xml(info, new QName(TYPES, "SaddlebagFault")));
        }
    }

    private Object port(String service) throws Exception {
        if (!ports.containsKey(service)) {
            String name = Character.toUpperCase(service.charAt(0)) + service.substring(1);
            String namespace = "urn:saddlebag:" + service + ":v1";
            URL wsdl = new File(wsdls, service + ".wsdl").toURI().toURL();
            String suffix = version.equals("1.2") ? "Soap12Port" : "Soap11Port";
            Class<?> type = Class.forName(service + "." + name + "PortType");
            Service made = Service.create(wsdl, new QName(namespace, name + "Service"));
            Object port = made.getPort(new QName(namespace, name + suffix), type);
            BindingProvider provider = (BindingProvider) port;
            provider.getRequestContext().put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, base + "/" + service + "/v1");
            provider.getBinding().setHandlerChain(Collections.singletonList(new FaultCodes()));
            ports.put(service, port);
        }
        return ports.get(service);
    }

    /** Keeps the code of the last fault, which a generated exception does not tell. */
    private final class FaultCodes implements SOAPHandler<SOAPMessageContext> {
        @Override
        public Set<QName> getHeaders() {
            return Collections.emptySet();
        }

        @Override
        public boolean handleMessage(SOAPMessageContext context) {
            return true;
        }

        @Override
        public boolean handleFault(SOAPMessageContext context) {
            try {
                faultCode = context.getMessage().getSOAPBody().getFault().getFaultCodeAsName().getLocalName();
            } catch (javax.xml.soap.SOAPException problem) {
                throw new IllegalStateException(problem);
            }
            return true;
        }

        @Override
        public void close(MessageContext context) {
            // nothing is held open
        }
    }

    private JAXBContext context(Class<?> kind) throws Exception {
        if (!contexts.containsKey(kind)) {
            contexts.put(kind, JAXBContext.newInstance(kind));
        }
        return contexts.get(kind);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private String xml(Object value, QName name) throws Exception {
        Marshaller marshaller = context(value.getClass()).createMarshaller();
        marshaller.setProperty(Marshaller.JAXB_FRAGMENT, true);
        StringWriter text = new StringWriter();
        marshaller.marshal(new JAXBElement(name, value.getClass(), value), text);
        return text.toString();
    }

    private static Element dom(String xml) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().parse(new InputSource(new StringReader(xml))).getDocumentElement();
    }

    private static String hex(String text) {
        StringBuilder made = new StringBuilder();
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            made.append(Character.forDigit(each >> 4 & 15, 16)).append(Character.forDigit(each & 15, 16));
        }
        return made.toString();
    }

    private static String unhex(String text) {
        ByteArrayOutputStream made = new ByteArrayOutputStream();
        for (int i = 0; i + 1 < text.length(); i += 2) {
            made.write(Integer.parseInt(text.substring(i, i + 2), 16));
        }
        return new String(made.toByteArray(), StandardCharsets.UTF_8);
    }
}
