import Foundation
import Testing

/// All extensions that the JDK prints in words, and some that it does not know.
@Suite struct ExtensionDumpTests {
    private let folder = Folder()
    private var jdk: ReadingComparison { ReadingComparison(folder: folder) }

    private static let sections = """
        [req]
        distinguished_name=dn
        prompt=no
        [dn]
        CN=all
        [dir]
        C=DE
        O=My Org
        CN=dir
        [access]
        a=SEQUENCE:repository
        b=SEQUENCE:strange
        [repository]
        m=OID:1.3.6.1.5.5.7.48.5
        n=IMPLICIT:6,IA5STRING:http://repository/
        [strange]
        m=OID:1.2.3
        n=IMPLICIT:2,IA5STRING:host
        [period]
        a=IMPLICIT:0,GENTIME:20200101000000Z
        b=IMPLICIT:1,GENTIME:20300101000000Z
        [beginning]
        a=IMPLICIT:0,GENTIME:20200101000000Z
        [relative]
        relativename=part
        [part]
        OU=unit
        [full]
        fullname=URI:http://crl/1
        CRLissuer=dirName:dir
        reasons=keyCompromise,CACompromise
        [issuing]
        fullname=URI:http://crl/2
        onlyuser=TRUE
        onlysomereasons=superseded,cessationOfOperation
        [issuingRelative]
        relativename=part
        onlyAA=TRUE
        [pol]
        policyIdentifier=1.3.5.8
        CPS.1=http://cps/
        userNotice.1=@notice
        [notice]
        explicitText=hello
        [mixed]
        a=IMPLICIT:2,IA5STRING:host
        b=IMPLICIT:7,FORMAT:HEX,OCTETSTRING:C0A80001
        """

    /// Certificates are made of one list of extensions each, as no certificate can have an extension twice.
    private static let lists = [
        """
        subjectKeyIdentifier=hash
        basicConstraints=critical,CA:TRUE,pathlen:3
        keyUsage=keyCertSign,cRLSign,decipherOnly
        extendedKeyUsage=serverAuth,msSGC,nsSGC,1.3.6.1.5.5.7.3.17,ipsecUser,1.3.6.1.4.1.311.20.2.2,anyExtendedKeyUsage,timeStamping
        subjectAltName=DNS:a.b,email:x@y,URI:http://x/,IP:10.0.0.1,IP:fe80::1,RID:1.2.3,dirName:dir,otherName:1.2.3.4;UTF8:some,DNS:*.b.c
        issuerAltName=DNS:i.b
        nameConstraints=critical,permitted;DNS:.a.b,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:.x,excluded;dirName:dir,permitted;IP:fe80::/ffff::
        policyConstraints=requireExplicitPolicy:3,inhibitPolicyMapping:1
        inhibitAnyPolicy=critical,2
        policyMappings=1.2.3.4:1.6.7,1.2.3.5:1.6.8
        certificatePolicies=1.2.3.4,@pol
        2.5.29.16=ASN1:SEQUENCE:period
        2.5.29.28=ASN1:SEQUENCE:nothing
        crlDistributionPoints=relative
        freshestCRL=URI:http://fresh/
        authorityInfoAccess=OCSP;URI:http://o/,caIssuers;URI:http://c/
        subjectInfoAccess=caRepository;URI:http://repository/
        nsCertType=client,server,email,objsign,sslCA,emailCA,objCA
        noCheck=ignored
        nsComment="hello world, this is longer than a line"
        tlsfeature=status_request
        1.2.3.4=DER:FF
        1.2.3.4.5=ASN1:UTF8String:hello~{|}
        1.3.6.1.5.5.7.1.3=ASN1:NULL
        2.5.29.9=DER:3000
        """,
        """
        basicConstraints=CA:FALSE
        keyUsage=critical,nonRepudiation
        nsCertType=server
        policyConstraints=inhibitPolicyMapping:0
        nameConstraints=excluded;DNS:x,excluded;URI:.y
        inhibitAnyPolicy=2
        2.5.29.16=ASN1:SEQUENCE:beginning
        2.5.29.20=ASN1:INTEGER:0x123456789ABCDEF0112233445566778899AABBCCDDEEFF00112233445566778899AABBCC
        2.5.29.27=ASN1:INTEGER:-77
        2.5.29.21=ASN1:ENUMERATED:4
        2.5.29.29=ASN1:SEQUENCE:mixed
        issuingDistributionPoint=critical,@issuing
        crlDistributionPoints=full,URI:http://crl/3
        1.3.6.1.5.5.7.1.11=ASN1:SEQUENCE:access
        authorityKeyIdentifier=keyid,issuer:always
        subjectAltName=dirName:dir
        """,
        """
        basicConstraints=critical,CA:TRUE
        issuingDistributionPoint=@issuingRelative
        2.5.29.18=ASN1:SEQUENCE:mixed
        2.5.29.36=ASN1:SEQUENCE:nothing
        2.5.29.33=ASN1:SEQUENCE:nothing
        2.5.29.31=ASN1:SEQUENCE:nothing
        2.5.29.30=ASN1:SEQUENCE:nothing
        2.5.29.15=DER:0301
        2.5.29.17=DER:3003020105
        2.5.29.14=DER:04
        2.5.29.35=ASN1:SEQUENCE:nothing
        """,
    ]

    @Test func allOfThem() async throws {
        var bundle = ""
        try await folder.makeCertificate("key")
        for (index, list) in Self.lists.enumerated() {
            try folder.write("\(Self.sections)\n[nothing]\n[v]\n\(list)\n", to: "\(index).cnf")
            try await folder.openssl("req -x509 -key key.key -out \(index).pem -config \(index).cnf -extensions v -days 30")
            bundle += try folder.text("\(index).pem")
        }
        try folder.write(bundle, to: "all.pem")
        // What is wrong with an extension is told in words of Java's; that it is unreadable is told by both.
        let reasons = ReadingComparison(folder: folder) { text in
            text.replacingOccurrences(of: "due to\n[^\n]*\n", with: "due to\n", options: .regularExpression)
        }
        try await reasons.same("-printcert -file all.pem")
        // The same in a listing.
        for alias in 0..<2 {
            let line = "-import -noprompt -alias \(alias) -file \(alias).pem -keystore all.p12 -storepass changeit"
            #expect(try await Tool.serval.run(line, in: folder).status == 0)
        }
        try await jdk.same("-list -v -keystore all.p12 -storepass changeit")
    }
}
