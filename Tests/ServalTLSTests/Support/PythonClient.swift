/// Pieces of clients that decide themselves which bytes go to the socket together.
enum PythonClient {
    /// Connects to the port that is the first argument and makes a handshake with `context`; its last flight is still in `outgoing` then.
    static let handshake = """
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing)
        peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                peer.sendall(outgoing.read())
                incoming.write(peer.recv(65536))
        """
}
