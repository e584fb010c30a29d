// The proxies that Mono's wsdl makes, as a partner's program: client.exe BASE VERSION, then one call a line on
// standard input, its decoded answer a line on standard output, both JSON as ../foreign.py tells. Reflection carries
// values into the generated classes and out of them, so that one program serves every operation; what stands between is
// Mono's own XmlSerializer. Trust is Mono's own: cert-sync puts the hub's authority into the store of its user. Each service's proxy lies in the C# namespace of its name.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Reflection;
using System.Text;
using System.Web.Script.Serialization;
using System.Web.Services.Protocols;
using System.Xml;
using System.Xml.Serialization;

static class Client
{
    static readonly Dictionary<string, SoapHttpClientProtocol> Made = new Dictionary<string, SoapHttpClientProtocol>();

    static void Main(string[] args)
    {
        ServicePointManager.SecurityProtocol = SecurityProtocolType.Tls12;
        var json = new JavaScriptSerializer { MaxJsonLength = int.MaxValue };
        var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
        string line;
        while ((line = input.ReadLine()) != null)
        {
            object answer;
            try
            {
                answer = Play((IDictionary<string, object>)json.DeserializeObject(line), args[0], args[1]);
            }
            catch (Exception problem)
            {
                answer = Map("error", problem.ToString());
            }
            output.WriteLine(json.Serialize(answer));
        }
    }

    static SoapHttpClientProtocol Proxy(string service, string address, string version)
    {
        SoapHttpClientProtocol proxy;
        if (Made.TryGetValue(service, out proxy))
            return proxy;
        var kind = Assembly.GetExecutingAssembly().GetTypes()
            .Single(each => each.Namespace == service && typeof(SoapHttpClientProtocol).IsAssignableFrom(each));
        proxy = (SoapHttpClientProtocol)Activator.CreateInstance(kind);
        proxy.Url = address;
        proxy.Timeout = 120000;
        proxy.SoapVersion = version == "1.2" ? SoapProtocolVersion.Soap12 : SoapProtocolVersion.Soap11;
        return Made[service] = proxy;
    }

    static object Play(IDictionary<string, object> call, string address, string version)
    {
        var service = (string)call["service"];
        var proxy = Proxy(service, address + "/" + service + "/v1", version);
        var headers = (IDictionary<string, object>)call["headers"];
        foreach (var each in proxy.GetType().GetProperties().Where(each => typeof(SoapHeader).IsAssignableFrom(each.PropertyType)))
        {
            object block;
            headers.TryGetValue(each.PropertyType.Name, out block);
            each.SetValue(proxy, block == null ? null : Given(block, each.PropertyType), null);
        }
        var method = proxy.GetType().GetMethod((string)call["operation"]);
        var parameters = method.GetParameters();
        var request = (IDictionary<string, object>)call["request"];
        var values = parameters.Select(each => each.IsOut ? null : Argument(each, request)).ToArray();
        object result;
        try
        {
            result = method.Invoke(proxy, values);
        }
        catch (TargetInvocationException problem)
        {
            var fault = problem.InnerException as SoapException;
            if (fault == null || fault.Detail == null)
                return Map("error", problem.InnerException.ToString());
            return Map("fault", Fault(fault));
        }
        var answer = new Dictionary<string, object>();
        if (method.ReturnType != typeof(void))
            Tell(answer, Name(method.ReturnTypeCustomAttributes, call["operation"] + "Result"), result, method.ReturnTypeCustomAttributes);
        for (var i = 0; i < parameters.Length; i++)
            if (parameters[i].ParameterType.IsByRef && !Unspecified(parameters, values, i))
                Tell(answer, Name(parameters[i], parameters[i].Name), values[i], parameters[i]);
        return Map("answer", answer);
    }

    static bool Unspecified(ParameterInfo[] parameters, object[] values, int i)
    {
        if (parameters[i].Name.EndsWith("Specified"))
            return true;
        var flag = Array.FindIndex(parameters, each => each.Name == parameters[i].Name + "Specified");
        return flag >= 0 && !(bool)values[flag];
    }

    static object Argument(ParameterInfo parameter, IDictionary<string, object> request)
    {
        var kind = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType() : parameter.ParameterType;
        if (parameter.Name.EndsWith("Specified"))
            return request.ContainsKey(parameter.Name.Substring(0, parameter.Name.Length - "Specified".Length));
        object value;
        if (!request.TryGetValue(Name(parameter, parameter.Name), out value))
            return kind.IsValueType ? Activator.CreateInstance(kind) : null;
        return Given(Unwrapped(value, parameter), kind);
    }

    static object Unwrapped(object value, ICustomAttributeProvider declared)
    {
        var item = Attribute<XmlArrayItemAttribute>(declared);
        return item == null ? value : ((IDictionary<string, object>)value)[item.ElementName];
    }

    static object Given(object value, Type kind)
    {
        if (kind == typeof(byte[]))
            return Convert.FromBase64String((string)((IDictionary<string, object>)value)["base64"]);
        if (kind.IsArray)
        {
            var list = (object[])value;
            var made = Array.CreateInstance(kind.GetElementType(), list.Length);
            for (var i = 0; i < list.Length; i++)
                made.SetValue(Given(list[i], kind.GetElementType()), i);
            return made;
        }
        if (value is bool)
            return value;
        var text = value as string;
        if (text == null)
            return Record((IDictionary<string, object>)value, kind);
        if (kind.IsEnum)
            return Enum.Parse(kind, kind.GetFields().Where(each => each.IsLiteral).Single(each => EnumName(each) == text).Name);
        if (kind == typeof(DateTime))
            return XmlConvert.ToDateTime(text, XmlDateTimeSerializationMode.RoundtripKind);
        return Convert.ChangeType(text, kind, CultureInfo.InvariantCulture);
    }

    static object Record(IDictionary<string, object> members, Type kind)
    {
        var made = Activator.CreateInstance(kind);
        foreach (var member in members)
        {
            var property = kind.GetProperties().Single(each => Name(each, each.Name) == member.Key);
            property.SetValue(made, Given(Unwrapped(member.Value, property), property.PropertyType), null);
            var flag = kind.GetProperty(property.Name + "Specified");
            if (flag != null)
                flag.SetValue(made, true, null);
        }
        return made;
    }

    static string EnumName(FieldInfo field)
    {
        var named = Attribute<XmlEnumAttribute>(field);
        return named == null || string.IsNullOrEmpty(named.Name) ? field.Name : named.Name;
    }

    static void Tell(IDictionary<string, object> answer, string name, object value, ICustomAttributeProvider declared)
    {
        if (value == null)
            return;
        var item = Attribute<XmlArrayItemAttribute>(declared);
        var element = Attribute<XmlElementAttribute>(declared);
        var told = Told(value, element == null ? "" : element.DataType);
        answer[name] = item == null ? told : Map(item.ElementName, told);
    }

    static object Told(object value, string xsdType)
    {
        if (value is byte[])
            return Map("base64", Convert.ToBase64String((byte[])value));
        if (value is bool)
            return value;
        if (value is string)
            return value;
        if (value is Array)
            return ((IEnumerable)value).Cast<object>().Select(each => Told(each, xsdType)).ToArray();
        if (value is Enum)
            return EnumName(value.GetType().GetField(value.ToString()));
        if (value is DateTime)
            return xsdType == "date"
                ? ((DateTime)value).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
                : XmlConvert.ToString((DateTime)value, XmlDateTimeSerializationMode.RoundtripKind);
        if (value is IFormattable)
            return ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture);
        var made = new Dictionary<string, object>();
        foreach (var property in value.GetType().GetProperties())
        {
            if (property.Name.EndsWith("Specified") && Attribute<XmlIgnoreAttribute>(property) != null)
                continue;
            var flag = value.GetType().GetProperty(property.Name + "Specified");
            if (flag == null || (bool)flag.GetValue(value, null))
                Tell(made, Name(property, property.Name), property.GetValue(value, null), property);
        }
        return made;
    }

    static object Fault(SoapException fault)
    {
        var detail = new Dictionary<string, object>();
        foreach (XmlNode each in fault.Detail.ChildNodes)
            if (each.LocalName == "SaddlebagFault")
                foreach (XmlNode member in each.ChildNodes)
                    detail[member.LocalName] = member.InnerText;
        return new Dictionary<string, object> { { "code", fault.Code.Name }, { "detail", detail } };
    }

    static string Name(ICustomAttributeProvider declared, string otherwise)
    {
        var array = Attribute<XmlArrayAttribute>(declared);
        var element = Attribute<XmlElementAttribute>(declared);
        var name = array != null ? array.ElementName : element != null ? element.ElementName : "";
        return string.IsNullOrEmpty(name) ? otherwise : name;
    }

    static T Attribute<T>(ICustomAttributeProvider declared) where T : Attribute
    {
        return (T)declared.GetCustomAttributes(typeof(T), false).FirstOrDefault();
    }

    static IDictionary<string, object> Map(string name, object value)
    {
        return new Dictionary<string, object> { { name, value } };
    }
}
